// A new model beside the one in use, on the same held-out photos.
import { get, post } from "./api.js";
import { announce } from "./announce.js";
import { button, element, find } from "./dom.js";
import { tell } from "./dialogs.js";
import { count, metric } from "./words.js";

/** Shows model `id` beside the served one; `switched` is called after a switch. */
export async function compare(id, switched) {
  const { heldOut, current, candidate, changed } = await get(`api/models/${id}/comparison`);
  const place = find("comparison");
  const gained = Math.round((candidate.accuracy - current.accuracy) * heldOut);
  const turn = button(`Switch to model ${id}`, { className: gained >= 0 ? "button primary" : "button", failed: tell }, async () => {
    await post(`api/models/${id}/activate`);
    announce(`Model ${id} answers now.`);
    await switched();
  });
  place.replaceChildren(
    element("h2", { id: "comparison-heading" }, `Model ${candidate.modelId} beside model ${current.modelId}`),
    element("p", { className: "lead" }, `Both answered the same ${count(heldOut, "photo")}, which neither learned from. ${verdict(candidate.modelId, gained)}`),
    scores(current, candidate),
    element("h3", {}, changed.length === 0 ? "No answer changed" : `${count(changed.length, "answer")} changed`),
    element("ul", { className: "changes" }, ...changed.map(change)),
    element("p", { className: "buttons" }, turn, button(`Keep model ${current.modelId}`, { className: gained < 0 ? "button primary" : "button" }, close)));
  place.hidden = false;
  announce(`Model ${id}: accuracy ${metric(candidate.accuracy)}, before ${metric(current.accuracy)}. ${count(changed.length, "answer")} changed.`);
  return place;
}

/** The focus goes on to the models, where a switch can be taken back. */
export function close() {
  find("comparison").hidden = true;
  find("models-part").focus();
}

function verdict(id, gained) {
  if (gained === 0) return `Model ${id} is right as often.`;
  return `Model ${id} is right on ${Math.abs(gained)} ${gained > 0 ? "more" : "fewer"}.`;
}

function scores(current, candidate) {
  const row = (name, key) => element("tr", {}, element("th", { scope: "row" }, name),
    element("td", {}, metric(current[key])), element("td", { className: "new" }, metric(candidate[key])), element("td", {}, difference(candidate[key], current[key])));
  return element("table", { className: "numbers" },
    element("thead", {}, element("tr", {}, ...["", `Model ${current.modelId}`, `Model ${candidate.modelId}`, "Change"].map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, row("Accuracy", "accuracy"), row("F1", "f1")));
}

/** "▲ 0.031": the arrow is read as a word. */
function difference(now, before) {
  if (now == null || before == null) return "–";
  const change = now - before;
  if (Math.abs(change) < 0.0005) return "same";
  return element("span", {}, element("span", { "aria-hidden": "true" }, change > 0 ? "▲ " : "▼ "),
    element("span", { className: "unseen" }, change > 0 ? "up " : "down "), Math.abs(change).toFixed(3));
}

function change({ photoId, name, imageUrl, label, currentLabel, candidateLabel }) {
  const outcome = candidateLabel === label ? "now right" : currentLabel === label ? "now wrong" : "still wrong";
  return element("li", {},
    element("img", { src: imageUrl, alt: name ?? `photo ${photoId}`, width: 64, height: 64, loading: "lazy" }),
    element("span", {}, element("b", {}, outcome), element("span", { className: "detail" }, `is ${label}`),
      element("span", { className: "detail" }, `${currentLabel} → ${candidateLabel}`)));
}
