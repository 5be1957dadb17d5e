// Asks the API. It knows addresses and nothing of what is shown.

/** An answer that is none: what went wrong, and what to do. */
export class Refusal extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.remedy = error.remedy || "";
  }
}

/** The address of something of a run. */
export function ofRun(run, ...parts) {
  return ["/api/runs", run, ...parts].map((part, at) => (at ? encodeURIComponent(part) : part)).join("/");
}

/** The document at an address; throws Refusal. */
export async function get(path, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const words = given.length ? `?${new URLSearchParams(given)}` : "";
  let answer;
  try {
    answer = await fetch(path + words, { signal, headers: { Accept: "application/json" } });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Refusal(0, { message: "the server of this page does not answer", remedy: "Is `gss serve` still running?" });
  }
  const document = await answer.json();
  if (!answer.ok) throw new Refusal(answer.status, document.error);
  return document;
}
