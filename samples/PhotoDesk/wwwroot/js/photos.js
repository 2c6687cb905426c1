// The table of photos, newest first.
import { get, put, remove } from "./api.js";
import { announce } from "./announce.js";
import { answerBars } from "./answers.js";
import { button, element, find } from "./dom.js";
import { confirmThen, look, tell } from "./dialogs.js";
import { moment } from "./words.js";

const Page = 50;
const LongestPage = 200; // that the server gives
const body = element("tbody", { role: "rowgroup" });
let classes = [];
let total = 0;

/** Fills the table from the server; again after a restart. */
export async function loadPhotos() {
  classes = await get("api/classes");
  const answer = await get(`api/photos?skip=0&take=${Math.min(LongestPage, Math.max(Page, body.children.length))}`);
  total = answer.total;
  body.replaceChildren(...answer.photos.map(row));
  showTable();
}

export function startPhotos() {
  find("more").addEventListener("click", () => showMore().catch(tell));
}

/** Puts photos that were just read on top. */
export function addPhotos(photos) {
  total += photos.length;
  body.prepend(...photos.toReversed().map(row));
  showTable();
}

async function showMore() {
  const answer = await get(`api/photos?skip=${body.children.length}&take=${Page}`);
  total = answer.total;
  const rows = answer.photos.map(row);
  body.append(...rows);
  showTable();
  rows[0]?.querySelector(".bar[tabindex='0']")?.focus();
}

function showTable() {
  find("photo-count").textContent = total || "";
  find("download").hidden = total === 0;
  find("more").hidden = body.children.length >= total;
  const place = find("photo-table");
  if (total === 0) place.replaceChildren(element("p", { className: "empty" }, "No photos yet. Each one that you add is answered here, and a wrong answer can be put right."));
  else if (!place.contains(body)) place.replaceChildren(table());
}

function table() {
  const head = (text, className = "") => element("th", { scope: "col", role: "columnheader", className }, text);
  return element("table", { role: "table", "aria-labelledby": "photos-heading" },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
      head("Photo"), head("Answer"), head("Press the right class, or its number"), head(element("span", { className: "unseen" }, "Delete")))),
    body);
}

function row(photo) {
  const cell = (className, ...children) => element("td", { className, role: "cell" }, ...children);
  const answer = cell("answer");
  const bars = answerBars(photo, classes, (label) => correct(label).catch(tell));
  const thumbnail = element("img", { src: `api/photos/${photo.id}/thumbnail`, alt: "", width: 88, height: 88, loading: "lazy" });
  const open = button(thumbnail, { className: "thumbnail", "aria-label": `Look at ${photo.name}`, failed: tell }, () => look(photo));
  const erase = button("×", { className: "erase", title: "Delete", "aria-label": `Delete ${photo.name}`, failed: tell }, () => confirmThen(
    `Delete ${photo.name}?`, "The photo and its correction are removed for good.", "Delete", eraseRow));
  const made = element("tr", { role: "row" }, cell("picture", open), answer, cell("classes", bars.group), cell("erasing", erase));
  show();
  return made;

  function show() {
    answer.replaceChildren(...answerWords(photo));
    bars.show(photo);
  }

  async function correct(label) {
    photo = label === null ? await remove(`api/photos/${photo.id}/label`) : await put(`api/photos/${photo.id}/label`, { label });
    show();
    announce(photo.correctedLabel === null ? `${photo.name}: correction taken back.` : `${photo.name} is ${photo.correctedLabel}.`);
  }

  async function eraseRow() {
    await remove(`api/photos/${photo.id}`);
    total--;
    const next = made.nextElementSibling ?? made.previousElementSibling;
    made.remove();
    showTable();
    announce(`${photo.name} deleted.`);
    (next?.querySelector(".erase") ?? find("photos")).focus();
  }
}

function answerWords(photo) {
  const label = element("strong", { className: "answer-label" }, photo.correctedLabel ?? photo.predictedLabel);
  const words = [label];
  if (photo.correctedLabel !== null) words.push(element("span", { className: "badge settled" },
    photo.correctedLabel === photo.predictedLabel ? "Confirmed" : `Corrected, was ${photo.predictedLabel}`));
  else if (photo.rejected) words.push(element("span", { className: "badge unsure" }, "Unsure, please look"));
  words.push(element("span", { className: "detail name", title: photo.name }, photo.name),
    element("span", { className: "detail" }, element("time", { dateTime: photo.time }, moment(photo.time)), ` · model ${photo.modelId}`));
  return words;
}
