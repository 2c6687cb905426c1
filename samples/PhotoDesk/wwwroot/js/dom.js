// Elements from data. Text only ever becomes text nodes, and no attribute is a style or a script, so the strictest content security policy holds.

/** An element: `properties` are set as DOM properties, or as attributes where the name has a hyphen, is `role` or is `for`. */
export function element(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** An SVG element; every property is an attribute. */
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function find(id) {
  return document.getElementById(id);
}

/** Enables or disables a button without taking the keyboard's focus from it, which `disabled` does. */
export function enable(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}

/** A button whose `action` runs one at a time; its faults go to `failed`. */
export function button(text, { className = "button", failed, ...properties }, action) {
  const made = element("button", { type: "button", className, ...properties }, text);
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-disabled") === "true" || made.ariaBusy === "true") return;
    made.ariaBusy = "true";
    try {
      await action(made);
    } catch (fault) {
      failed(fault);
    } finally {
      made.ariaBusy = null;
    }
  });
  return made;
}

function fill(made, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}
