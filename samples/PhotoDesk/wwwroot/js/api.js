// The server's calls. A refusal is thrown as an Error whose message is the server's own words.
import { connectionLost } from "./connection.js";

const Patience = 6; // how often a call is made again that came too fast, or found too many waiting (429 and 503 with Retry-After)
const Session = "api/session"; // a wrong password is not led to the form where it was typed
const Unreachable = "PhotoDesk does not answer. Nothing was changed; try again in a moment.";

/** An answer other than success: `status` is HTTP's, 0 when none came. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether the same call may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const get = (path) => ask("GET", path);
export const getFile = async (path) => (await call("GET", path)).blob();
export const put = (path, value) => ask("PUT", path, JSON.stringify(value), { "Content-Type": "application/json" });
export const postJson = (path, value) => ask("POST", path, JSON.stringify(value), { "Content-Type": "application/json" });
export const remove = (path) => ask("DELETE", path);
export const post = (path, form) => ask("POST", path, form);

async function ask(method, path, body, headers) {
  const answer = await call(method, path, body, headers);
  return isJson(answer) ? answer.json() : null; // 204 has no body
}

async function call(method, path, body, headers = {}) {
  // The header that only a script of this origin can send: the server takes no change without it.
  if (method !== "GET") headers["X-PhotoDesk"] = "1";
  for (let attempt = 1; ; attempt++) {
    let answer;
    try {
      answer = await fetch(path, { method, body, headers, cache: "no-store" });
    } catch {
      connectionLost();
      throw new Refusal(0, Unreachable);
    }
    if (answer.headers.has("Retry-After") && attempt < Patience) {
      await pause(Math.min(10, Number(answer.headers.get("Retry-After")) || attempt));
      continue;
    }
    if (answer.status === 401 && path !== Session) location.assign(`sign-in.html?ReturnUrl=${encodeURIComponent(location.pathname)}`);
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

async function refusal(answer) {
  const problem = isJson(answer) ? await answer.json().catch(() => ({})) : {};
  return new Refusal(answer.status, problem.detail || problem.title || `The server refused (HTTP ${answer.status}).`);
}

function isJson(answer) {
  return /\bjson\b/.test(answer.headers.get("Content-Type") ?? "");
}

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
}
