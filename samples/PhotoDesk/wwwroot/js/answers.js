// The answer to one photo, and its correction, are one control: a bar a class, of which the right one is pressed.
// One tab stop a photo; arrows go from class to class and on to the next photo; the digits choose a class at once.
import { element } from "./dom.js";
import { percent } from "./words.js";

const Most = 6; // classes shown as bars; beyond that the likeliest, and a list of the others

/** The bars of `photo`; `corrected(label | null)` is called for a correction, or to take one back. */
export function answerBars(photo, classes, corrected) {
  const probabilities = new Map(photo.probabilities.map((p) => [p.label, p.probability]));
  const shown = classes.length <= Most ? classes : photo.probabilities.slice(0, Most - 1).map((p) => p.label);
  if (photo.correctedLabel && !shown.includes(photo.correctedLabel)) shown.push(photo.correctedLabel);
  const group = element("div", { className: "bars", role: "group", "aria-label": `Right class of ${photo.name}` });
  const bars = shown.map((label, index) => bar(label, probabilities.get(label) ?? 0, index));
  group.append(...bars);
  if (classes.length > shown.length) group.append(others(classes.filter((label) => !shown.includes(label)), corrected));

  group.addEventListener("keydown", (event) => {
    const at = bars.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = Number(event.key);
    if (digit >= 1 && digit <= bars.length) {
      focusBar(bars[digit - 1]);
      corrected(shown[digit - 1]);
    } else if (event.key === "ArrowDown") focusBar(bars[at + 1] ?? neighbour(group, 1));
    else if (event.key === "ArrowUp") focusBar(bars[at - 1] ?? neighbour(group, -1));
    else return;
    event.preventDefault();
  });
  show(photo);
  return { group, show };

  function bar(label, probability, index) {
    const fill = element("span", { className: "bar-fill" });
    fill.style.width = `${100 * probability}%`;
    const made = element("button", { type: "button", className: "bar", "aria-keyshortcuts": String(index + 1) },
      element("span", { className: "bar-name" }, label),
      element("span", { className: "bar-track" }, fill),
      element("span", { className: "bar-percent" }, percent(probability)));
    made.addEventListener("click", () => corrected(made.getAttribute("aria-pressed") === "true" ? null : label));
    return made;
  }

  function show({ predictedLabel, correctedLabel }) {
    for (const [index, made] of bars.entries()) {
      made.classList.toggle("predicted", shown[index] === predictedLabel);
      made.setAttribute("aria-pressed", String(shown[index] === correctedLabel));
    }
    if (!group.contains(document.activeElement)) stopAt(bars[Math.max(0, shown.indexOf(correctedLabel ?? predictedLabel))]);
  }
}

function others(labels, corrected) {
  const list = element("select", { className: "bar-others", "aria-label": "Another class" },
    element("option", { value: "" }, "another class …"), ...labels.map((label) => element("option", { value: label }, label)));
  list.addEventListener("change", () => list.value && corrected(list.value));
  return list;
}

/** The first bar of the next photo, or the last of the one before. */
function neighbour(group, step) {
  const groups = [...document.querySelectorAll(".bars")];
  const bars = groups[groups.indexOf(group) + step]?.querySelectorAll(".bar");
  return bars?.[step > 0 ? 0 : bars.length - 1];
}

function focusBar(bar) {
  if (!bar) return;
  stopAt(bar);
  bar.focus();
}

/** Makes `bar` its group's one tab stop. */
function stopAt(bar) {
  for (const other of bar.parentElement.querySelectorAll(".bar")) other.tabIndex = other === bar ? 0 : -1;
}
