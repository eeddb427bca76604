'use strict';
const path = require('path');
const { Worker } = require('worker_threads');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'client.js'));
const PEER = `
  const http = require('http');
  const { parentPort } = require('worker_threads');
  const server = http.createServer((req, res) => setTimeout(() => res.end('hello ' + req.url), 3));
  server.keepAliveTimeout = 600000;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
let worker, port;
let together = 2;
exports.params = { warmup: 20, k: 120 };
exports.setup = async () => {
  worker = new Worker(PEER, { eval: true });
  port = await new Promise((r) => worker.once('message', r));
};
// Traffic rises: three more at once in every round.
exports.iterate = async (n) => {
  together = Math.min(60, together + 3);
  for (let i = 0; i < n; i += together) await Promise.all(Array.from({ length: together }, (_, j) => app.get(port, '/' + (i + j))));
};
exports.teardown = async () => { app.close(); await worker.terminate(); };
exports.probe = () => app.open();
