// Addresses of views: each view has one, and whatever is set in it stands there.

/** A view's address. */
export function to(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return path + (given.length ? `?${new URLSearchParams(given)}` : "");
}

/** The address of a view of a run. */
export function toRun(run, view = "", query = {}) {
  return to(`/runs/${encodeURIComponent(run)}${view ? `/${view}` : ""}`, query);
}

/** What the address bar asks for: `view`, and of a run its name and the number of a turn. */
export function asked() {
  const parts = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const query = Object.fromEntries(new URLSearchParams(location.search));
  if (parts[0] === "runs" && parts[1]) {
    const turn = parts[2] === "turns" && parts[3] !== undefined ? Number(parts[3]) : null;
    return { view: turn === null ? parts[2] || "conversation" : "conversation", run: parts[1], turn, query };
  }
  return { view: parts[0] || "list", run: null, turn: null, query };
}

/** Goes to an address without loading the page anew. */
export function go(address, { replace = false } = {}) {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  dispatchEvent(new Event("addressed"));
}

/** Notes something in the address bar without a step in its history; what is empty is left out. */
export function note(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const words = query.toString();
  history.replaceState({}, "", location.pathname + (words ? `?${words}` : ""));
}

/** Calls `show` for the address now and after each change of it, and lets plain links change it. */
export function follow(show) {
  addEventListener("popstate", show);
  addEventListener("addressed", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith("/api/") || link.hash) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
  show();
}
