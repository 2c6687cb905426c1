// Photos come by drop, choice or paste, and go to the server a few at a time, so that a hundred show progress and none waits for all.
import { announce } from "./announce.js";
import { getFile, post } from "./api.js";
import { tell } from "./dialogs.js";
import { button, element, find } from "./dom.js";
import { count, tally } from "./words.js";

const FilesPerCall = 8;
const Examples = 10_000; // as many can be drawn
const queue = [];
let total = 0;
let isSending = false;

/** `received` is called with the photos of each answer. */
export function startUpload(received) {
  const take = (files) => {
    if (files.length > 0) send(files, received);
  };
  find("examples").append(button("Try drawn examples", { failed: tell }, async () => take(await drawExamples(8))));
  const drop = find("drop");
  const choose = find("choose");
  choose.addEventListener("change", () => {
    take([...choose.files]);
    choose.value = ""; // the same file may be chosen again
  });
  // The whole window takes a drop: missing the field must not make the browser leave the page for the photo.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.toggle("over", event.dataTransfer.types.includes("Files"));
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => take([...event.clipboardData.files]));
}

/** Photos for who has none at hand; the server draws them, and they come back as any other. */
function drawExamples(number) {
  const first = Math.floor(Math.random() * (Examples - number));
  return Promise.all(Array.from({ length: number }, async (_, offset) => {
    const name = `surface-${String(first + offset).padStart(4, "0")}.jpg`;
    return new File([await getFile(`api/examples/${first + offset}`)], name, { type: "image/jpeg" });
  }));
}

async function send(files, received) {
  queue.push(...files);
  total += files.length;
  if (isSending) return;
  isSending = true;
  find("upload-faults").replaceChildren();
  const faults = [];
  const photos = [];
  while (queue.length > 0) {
    showProgress();
    const part = queue.splice(0, FilesPerCall);
    try {
      const form = new FormData();
      for (const file of part) form.append("photos", file, file.name);
      const { results } = await post("api/photos", form);
      const arrived = results.filter((result) => result.photo).map((result) => result.photo);
      photos.push(...arrived);
      received(arrived);
      faults.push(...results.filter((result) => result.error).map(({ name, error }) => ({ name, reason: error })));
    } catch (fault) {
      faults.push(...part.map((file) => ({ name: file.name, reason: fault.message, again: fault.isPassing ? file : null })));
    }
  }
  isSending = false;
  total = 0;
  find("upload").hidden = true;
  showFaults(faults, received);
  if (photos.length > 0) announce(`${count(photos.length, "photo")} read: ${tally(photos.map((p) => (p.rejected ? "unsure" : p.predictedLabel)))}.`);
}

function showProgress() {
  const done = total - queue.length;
  find("upload").hidden = false;
  find("upload-bar").max = total;
  find("upload-bar").value = done;
  find("upload-text").textContent = `${done} of ${count(total, "photo")}`;
}

function showFaults(faults, received) {
  if (faults.length === 0) return;
  const again = faults.map((fault) => fault.again).filter(Boolean);
  const dismiss = () => {
    find("upload-faults").replaceChildren();
    find("choose").focus();
  };
  const buttons = [button("Dismiss", {}, dismiss)];
  if (again.length > 0) buttons.unshift(button("Try again", {}, () => { dismiss(); send(again, received); }));
  find("upload-faults").replaceChildren(element("div", { className: "notice bad" },
    element("p", {}, element("strong", {}, `${count(faults.length, "photo was", "photos were")} not taken`)),
    element("ul", {}, ...faults.map(({ name, reason }) => element("li", {}, element("b", {}, name), ` ${reason}`))),
    element("p", { className: "buttons" }, ...buttons)));
}
