// The browser's own dialogs: they trap and return the focus, and close with Escape.
import { button, element } from "./dom.js";

/** The photo at its full size; pressed, with the heat of what speaks for the answer of the model in service. */
export function look(photo) {
  const image = element("img", { className: "full", src: `api/photos/${photo.id}/image`, alt: photo.name });
  const why = button("Why this answer?", { "aria-pressed": "false", failed: tell }, () => {
    const explains = why.getAttribute("aria-pressed") === "false";
    why.setAttribute("aria-pressed", String(explains));
    image.src = `api/photos/${photo.id}/${explains ? "why" : "image"}`;
    image.alt = explains ? `${photo.name}: the brighter, the more it speaks for the answer` : photo.name;
  });
  open(photo.name, [image, element("p", {}, why)], []);
}

/** Asks first; then `action` runs. */
export function confirmThen(question, consequence, verb, action) {
  open(question, [element("p", {}, consequence)], [[verb, action]]);
}

/** A fault in words. */
export function tell(fault) {
  if (!fault.status && fault.status !== 0) console.error(fault);
  open("That did not work", [element("p", {}, fault.message)], []);
}

function open(title, content, verbs) {
  const dialog = element("dialog", { "aria-label": title });
  const act = (action) => async () => {
    dialog.close();
    await action();
  };
  dialog.append(element("h2", {}, title), ...content, element("p", { className: "buttons" },
    ...verbs.map(([verb, action]) => button(verb, { className: "button primary", failed: tell }, act(action))),
    button(verbs.length > 0 ? "Cancel" : "Close", {}, () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // a click beside it
  document.body.append(dialog);
  dialog.showModal();
}
