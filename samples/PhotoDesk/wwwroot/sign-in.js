// The form for name and password.
import { postJson } from "./js/api.js";
import { find } from "./js/dom.js";

find("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  find("fault").hidden = true;
  try {
    await postJson("api/session", { name: find("name").value, password: find("password").value });
    location.assign(target());
  } catch (fault) {
    find("fault").textContent = fault.message;
    find("fault").hidden = false;
    find("password").select();
  }
});

/** Where the user came from, if it is a page of this desk. */
function target() {
  const asked = new URL(new URLSearchParams(location.search).get("ReturnUrl") ?? "/", location.origin);
  return asked.origin === location.origin ? asked.href : "/";
}
