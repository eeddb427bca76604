'use strict';
const { Worker, isMainThread, parentPort, threadId } = require('node:worker_threads');
if (isMainThread) {
  for (const options of [{}, { execArgv: [] }, { env: {} }]) {
    const worker = new Worker(__filename, { workerData: 1, ...options });
    worker.on('message', (text) => console.log(JSON.stringify(options), text));
  }
} else {
  parentPort.postMessage(globalThis[Symbol.for('heapsleuth.agent')] ? 'agent' : 'no agent');
  // Long enough to report.
  setTimeout(() => threadId, 1500);
}
