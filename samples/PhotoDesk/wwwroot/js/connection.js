// Whether the server answers. When it does not, one notice says so, and `/health` is asked until it does again.
import { announce } from "./announce.js";
import { find } from "./dom.js";

const Pause = 1500;
const listeners = [];
let isLost = false;

/** Calls `listener` each time the server is back after a loss. */
export function whenBack(listener) {
  listeners.push(listener);
}

export function connectionLost() {
  if (isLost) return;
  isLost = true;
  find("connection").hidden = false;
  announce(find("connection").textContent);
  setTimeout(tryAgain, Pause);
}

async function tryAgain() {
  try {
    const answer = await fetch("health", { cache: "no-store" });
    if (!answer.ok) throw new Error();
  } catch {
    setTimeout(tryAgain, Pause);
    return;
  }
  isLost = false;
  find("connection").hidden = true;
  announce("Connected again.");
  for (const listener of listeners) listener();
}
