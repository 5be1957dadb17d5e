// What causes, notices and changes are called, and how numbers and times are written.

export const CAUSES = {
  passed: "it passed",
  muted: "it is muted",
  absent: "it is not there",
  closed: "the conversation is closed",
  empty: "its answer was empty",
  spoke_for: "it spoke for others only",
  unreadable: "its answer was none of the options",
  timeout: "no answer in time",
  unreachable: "the model could not be reached",
  refused: "the model refused",
  denied: "the model's server does not accept the key",
  too_long: "the prompt does not fit the model's context",
  garbled: "the answer could not be read",
  error: "the model failed",
};

export const DEEDS = {
  nothing: "does nothing with its powers",
  choose_next: "gives the floor to",
  mute: "mutes",
  unmute: "lets speak again:",
  close: "closes the conversation",
};

export const NOTICES = {
  server_down: "a model server does not answer",
  server_up: "a model server answers again",
  stalled: "waited for in vain",
  observer_dropped: "an observer failed and was dropped",
  broker_away: "the broker is away, everything waits",
  broker_back: "the broker is back",
  worker_joined: "a worker joined",
  worker_refused: "a worker refuses",
  worker_missing: "no worker",
  result_unused: "a result was not used",
  message_dropped: "a message from outside was dropped",
  sent_again: "handed out again",
};

const FEW = 12;

/** What a planned change did. */
export function changed(change) {
  const whom = change.agents ?? (change.personas ?? []).map(([name]) => name);
  const who = whom.length <= FEW ? whom.join(", ") : `${count(whom.length)} agents`;
  switch (change.kind) {
    case "broadcast": return `said in ${(change.channels ?? []).join(", ")}`;
    case "mute": return `${change.lifted ? "given a voice again" : "muted"}: ${who}`;
    case "remove": return `gone: ${who}`;
    case "admit": return `come in: ${who}`;
    case "change_persona": return `of another persona from now on: ${who}`;
    case "change_topic": return `the topic of ${(change.channels ?? []).join(", ")} is now: ${change.topic}`;
    default: return [String(change.kind).replaceAll("_", " "), who].filter(Boolean).join(": ");
  }
}

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 1,234,567 */
export const count = (number) => WHOLE.format(number);

/** `1 turn`, `1,200 turns` */
export const many = (number, noun, nouns = `${noun}s`) => `${count(number)} ${number === 1 ? noun : nouns}`;

/** A number of seconds as people say it. */
export function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** How long ago a moment is. */
export const ago = (at, now) => (now - at < 2 ? "now" : `${span(now - at)} ago`);

/** A moment of the record, in UTC. */
export const moment = (at) => `${new Date(at * 1000).toISOString().replace("T", " ").slice(0, 19)} UTC`;

/** A number with few digits. */
export function short(number) {
  if (number === null || number === undefined) return "–";
  if (Number.isInteger(number)) return count(number);
  return Math.abs(number) >= 100 ? number.toFixed(1) : Number(number.toPrecision(4)).toString();
}

const STATUS = {
  running: ["▶", "running"],
  finished: ["✓", "finished"],
  interrupted: ["‖", "interrupted"],
  failed: ["✕", "failed"],
  killed: ["✕", "killed"],
  "running or killed": ["?", "running or killed"],
  unreadable: ["!", "cannot be read"],
};

/** The sign and the words of a status. */
export const standing = (status) => STATUS[status] ?? ["?", status];

/** What a person pastes into a shell for a word. */
export const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
