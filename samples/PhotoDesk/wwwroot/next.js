// The page "Label next".
import { whenBack } from "./js/connection.js";
import { tell } from "./js/dialogs.js";
import { loadQueue, startQueue } from "./js/queue.js";

startQueue();
whenBack(() => loadQueue().catch(tell));
loadQueue().catch(tell);
