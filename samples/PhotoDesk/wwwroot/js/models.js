// The models that there are: which one answers, how good each was, the way forward and the way back.
import { get, post } from "./api.js";
import { announce } from "./announce.js";
import { button, element, find } from "./dom.js";
import { tell } from "./dialogs.js";
import { count, metric, moment } from "./words.js";

/** Shows the models. `compared(id)` opens a comparison; `switched()` follows a roll-back. */
export async function loadModels(compared, switched) {
  const models = await get("api/models");
  const active = models.find((model) => model.active);
  const previous = models.find((model) => model.previous);
  find("served").textContent = active ? `Model ${active.id} answers` : "";
  const back = previous && button(`Roll back to model ${previous.id}`, { failed: tell }, async () => {
    const model = await post("api/models/rollback");
    announce(`Rolled back. Model ${model.id} answers now.`);
    await switched();
  });
  find("models").replaceChildren(
    element("ul", { className: "models" }, ...models.map((model) => entry(model, compared))),
    ...(back ? [element("p", { className: "buttons" }, back)] : []));
  return models;
}

function entry(model, compared) {
  const { id, createdAt, active, previous, accuracy, f1, heldOut, corrections } = model;
  const badge = active ? [element("span", { className: "badge settled" }, "In use")] : previous ? [element("span", { className: "badge" }, "Before")] : [];
  return element("li", { "aria-current": String(active) },
    element("div", {}, element("b", {}, `Model ${id}`), " ", ...badge,
      element("span", { className: "detail" }, `accuracy ${metric(accuracy)} · F1 ${metric(f1)}`),
      element("span", { className: "detail" }, `${count(corrections, "correction")} · ${heldOut} held out`),
      element("span", { className: "detail" }, moment(createdAt))),
    ...(active ? [] : [button("Compare", { "aria-label": `Compare model ${id} with the one in use`, failed: tell }, () => compared(id))]));
}
