// The queue of photos to label, the least certain first. A label leads on to the next photo; the same bar takes it back.
import { get, put, remove } from "./api.js";
import { announce } from "./announce.js";
import { answerBars } from "./answers.js";
import { button, element, find } from "./dom.js";
import { look, tell } from "./dialogs.js";
import { count, percent } from "./words.js";

const Page = 12;
let classes = [];
let total = 0;
let labelled = 0;

/** Fills the queue from the server. */
export async function loadQueue() {
  const [names, page] = await Promise.all([get("api/classes"), get(`api/queue?take=${Page}`)]);
  classes = names;
  total = page.total;
  labelled = 0;
  find("served").textContent = `Model ${page.modelId} answers`;
  find("queue").replaceChildren(page.photos.length > 0
    ? element("ol", { className: "queue" }, ...page.photos.map(({ photo }) => card(photo)))
    : element("p", { className: "empty" }, "Nothing to label. Photos that you add and nobody has labelled are ranked here."));
  showCount();
}

export function startQueue() {
  find("queue-buttons").append(button("Rank again", { failed: tell }, async () => {
    await loadQueue();
    announce(`${count(total, "photo")} to label.`);
  }));
}

function showCount() {
  find("queue-count").textContent = total - labelled > 0 ? total - labelled : "";
}

function card(photo) {
  const bars = answerBars(photo, classes, (label) => correct(label).catch(tell));
  const picture = element("img", { src: `api/photos/${photo.id}/thumbnail`, alt: "", width: 256, height: 256, loading: "lazy" });
  const open = button(picture, { className: "thumbnail", "aria-label": `Look at ${photo.name}`, failed: tell }, () => look(photo));
  const state = element("p", { className: "queue-state" });
  const made = element("li", {}, open, element("div", { className: "queue-text" },
    element("p", { className: "queue-why" }, why(photo)), element("p", { className: "detail name", title: photo.name }, photo.name), state, bars.group));
  show();
  return made;

  function show() {
    made.classList.toggle("done", photo.correctedLabel !== null);
    state.replaceChildren(...(photo.correctedLabel === null ? [] : [element("span", { className: "badge settled" }, `Labelled ${photo.correctedLabel}`)]));
    bars.show(photo);
  }

  async function correct(label) {
    const before = photo.correctedLabel;
    const answer = label === null ? await remove(`api/photos/${photo.id}/label`) : await put(`api/photos/${photo.id}/label`, { label });
    photo = { ...photo, correctedLabel: answer.correctedLabel };
    labelled += (photo.correctedLabel === null ? 0 : 1) - (before === null ? 0 : 1);
    show();
    showCount();
    announce(photo.correctedLabel === null ? `${photo.name}: label taken back.` : `${photo.name} is ${photo.correctedLabel}.`);
    if (before === null && photo.correctedLabel !== null) goOn();
  }

  /** To the next photo without a label; after the last one to the button that ranks again. */
  function goOn() {
    let next = made.nextElementSibling;
    while (next?.classList.contains("done")) next = next.nextElementSibling;
    const target = next?.querySelector(".bar[tabindex='0']") ?? find("queue-buttons").querySelector("button");
    target.focus({ preventScroll: true });
    (next ?? target).scrollIntoView({ block: "nearest" });
  }
}

/** "crack 48 % or scratch 45 %"; of a certain one the class alone. */
function why({ probabilities }) {
  return probabilities.slice(0, 2).filter(({ probability }) => probability >= 0.005).map(({ label, probability }) => `${label} ${percent(probability)}`).join(" or ");
}
