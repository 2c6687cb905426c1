import { find } from "./dom.js";

/** Says `text` to a screen reader when it is next at leisure. Said twice, the same text is read twice. */
export function announce(text) {
  const region = find("announcements");
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
