// Who is signed in, where signing in is on.
import { get, remove } from "./api.js";
import { button, element, find } from "./dom.js";
import { tell } from "./dialogs.js";

/** Shows a way to sign in, or the user and the way out; nothing where signing in is off. */
export async function showSession() {
  const { isOn, user } = await get("api/session");
  if (!isOn) return;
  find("session").replaceChildren(user
    ? button(`Sign out ${user}`, { failed: tell }, leave)
    : element("a", { className: "button", href: "sign-in.html" }, "Sign in"));
  find("session").hidden = false;
}

async function leave() {
  await remove("api/session");
  location.reload();
}
