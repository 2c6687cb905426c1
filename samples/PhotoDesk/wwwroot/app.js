// PhotoDesk's page: photos on the one side, the model that learns from their corrections on the other.
import { close, compare } from "./js/comparison.js";
import { whenBack } from "./js/connection.js";
import { tell } from "./js/dialogs.js";
import { loadModels } from "./js/models.js";
import { addPhotos, loadPhotos, startPhotos } from "./js/photos.js";
import { loadTraining, startTraining } from "./js/training.js";
import { showSession } from "./js/session.js";
import { startUpload } from "./js/upload.js";

const showModels = () => loadModels(openComparison, modelSwitched);

async function openComparison(id) {
  (await compare(id, modelSwitched)).focus();
}

async function modelSwitched() {
  close();
  await showModels();
}

/** A new model shows itself beside the old one, without taking the focus from what its user is doing. */
async function offer(training) {
  const models = await showModels();
  const model = models.find((candidate) => candidate.id === training?.modelId);
  if (model && !model.active && !model.previous) await compare(model.id, modelSwitched);
}

async function load() {
  await Promise.all([loadPhotos(), loadTraining().then(offer), showSession()]);
}

startUpload(addPhotos);
startPhotos();
startTraining((training) => offer(training).catch(tell));
whenBack(() => Promise.all([loadPhotos(), showModels()]).catch(tell));
load().catch(tell);
