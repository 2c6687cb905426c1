// The training: start it, see it go, stop it. Its events come from the server for as long as it lasts.
import { get, post } from "./api.js";
import { announce } from "./announce.js";
import { connectionLost, whenBack } from "./connection.js";
import { curves } from "./curves.js";
import { button, element, enable, find } from "./dom.js";
import { tell } from "./dialogs.js";
import { metric, moment, percent, timeLeft } from "./words.js";

const Ongoing = new Set(["queued", "running", "stopping"]);
const Words = {
  queued: "Waiting to begin", running: "Learning", stopping: "Stopping after this step", finished: "Finished",
  stopped: "Stopped", failed: "Failed", interrupted: "Interrupted",
};
const start = button("Retrain", { className: "button primary", failed: refuse }, async () => show(await post("api/trainings")));
const stop = button("Stop", { failed: tell }, async () => show(await post("api/trainings/latest/stop")));
const bar = element("progress", { max: 1, "aria-label": "Progress of the training" });
const line = element("p", { className: "training-line" });
const refusal = element("p", { className: "notice bad", role: "alert", hidden: true });
const charts = element("div", { className: "charts" });
let events = null;
let seen = null; // the training as it was last shown
let ended = () => {};

/** `whenEnded` is called with a training that has just ended in this page's sight. */
export function startTraining(whenEnded) {
  ended = whenEnded;
  bar.hidden = stop.hidden = true;
  find("training").replaceChildren(
    element("p", { className: "lead" }, "Your corrections become examples. The model in use goes on answering while a new one learns."),
    element("p", { className: "buttons" }, start, stop), refusal, bar, line, charts);
  whenBack(() => loadTraining().catch(tell));
}

export async function loadTraining() {
  const training = await get("api/trainings/latest"); // null before the first
  if (training) show(training);
  return training;
}

function show(training) {
  const isOngoing = Ongoing.has(training.state);
  const before = seen;
  seen = training;
  refusal.hidden = true;
  bar.hidden = !isOngoing;
  stop.hidden = !isOngoing;
  enable(start, !isOngoing);
  enable(stop, training.state !== "stopping");
  if (training.state === "queued") bar.removeAttribute("value");
  else bar.value = training.fraction ?? 0;
  line.replaceChildren(...words(training));
  charts.replaceChildren(...(training.history.length > 0 ? history(training) : []));
  if (before?.id !== training.id || before.state !== training.state) announce(`${Words[training.state]}. ${training.message ?? ""}`);
  if (isOngoing) listen();
  else {
    hush();
    if (before?.id === training.id && Ongoing.has(before.state)) ended(training);
  }
}

function words({ state, epoch, epochs, fraction, secondsLeft, startedAt, endedAt, message }) {
  const isGoing = state === "running" || state === "stopping";
  const parts = isGoing ? [`epoch ${Math.max(1, epoch)} of ${epochs}`, percent(fraction ?? 0), timeLeft(secondsLeft)] : [moment(endedAt ?? startedAt)];
  const made = [element("b", { className: `state ${state}` }, Words[state]), ` · ${parts.filter(Boolean).join(" · ")}`];
  if (message) made.push(element("span", { className: "detail" }, message));
  return made;
}

function history({ history, epochs }) {
  const of = (name) => history.map((entry) => entry[name]);
  return [
    curves("Loss", [{ name: "training", className: "quiet", values: of("trainingLoss") }, { name: "validation", className: "loud", values: of("validationLoss") }],
      Math.max(epochs, history.length), { span: 0.1, top: Infinity }, (value, exact) => (value == null ? "–" : exact ? value.toFixed(3) : String(Number(value.toFixed(2))))),
    curves("Accuracy", [{ name: "validation", className: "loud", values: of("accuracy") }], Math.max(epochs, history.length), { span: 0.2, top: 1 }, (value) => (value == null ? "–" : percent(value))),
    element("details", { open: charts.querySelector("details")?.open ?? false }, element("summary", {}, "The numbers"), numbers(history)),
  ];
}

function numbers(history) {
  const names = ["Epoch", "Training loss", "Validation loss", "Accuracy"];
  return element("table", { className: "numbers" },
    element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...history.map((entry) => element("tr", {}, element("th", { scope: "row" }, entry.epoch),
      ...[entry.trainingLoss, entry.validationLoss, entry.accuracy].map((value) => element("td", {}, metric(value)))))));
}

function listen() {
  if (events) return;
  events = new EventSource("api/trainings/latest/events");
  events.addEventListener("progress", (event) => show(JSON.parse(event.data)));
  // The server went away, or refused: the notice says so, and `whenBack` asks for the training and listens anew.
  events.addEventListener("error", () => {
    hush();
    connectionLost();
  });
}

function hush() {
  events?.close();
  events = null;
}

function refuse(fault) {
  refusal.textContent = fault.message;
  refusal.hidden = false;
}
