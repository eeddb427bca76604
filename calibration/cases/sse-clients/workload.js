'use strict';
const path = require('path');
const { Worker } = require('worker_threads');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'server.js'));
// Browsers come, listen for a moment and go.
const PEER = `
  const http = require('http');
  const { parentPort, workerData } = require('worker_threads');
  const visit = () => new Promise((done) => {
    const req = http.get({ port: workerData, host: '127.0.0.1', path: '/events', agent: false }, (res) => {
      res.once('data', () => { req.destroy(); done(); });
    });
    req.on('error', () => done());
  });
  parentPort.on('message', async (n) => { for (let i = 0; i < n; i++) await visit(); parentPort.postMessage('done'); });
`;
let worker;
exports.params = { warmup: 30, k: 40, settleMs: 120 };
exports.setup = async () => {
  await new Promise((r) => app.server.listen(0, '127.0.0.1', r));
  worker = new Worker(PEER, { eval: true, workerData: app.server.address().port });
};
exports.iterate = async (n) => {
  const done = new Promise((r) => worker.once('message', r));
  worker.postMessage(n);
  await done;
};
exports.teardown = async () => { await worker.terminate(); app.server.close(); app.server.closeAllConnections?.(); };
exports.probe = () => app.clients.size;
