// The page "Label next".
import { whenBack } from "./js/connection.js";
import { tell } from "./js/dialogs.js";
import { loadQueue, startQueue } from "./js/queue.js";
import { showSession } from "./js/session.js";

startQueue();
whenBack(() => loadQueue().catch(tell));
Promise.all([loadQueue(), showSession()]).catch(tell);
