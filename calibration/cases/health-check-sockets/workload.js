'use strict';
const path = require('path');
const { Worker } = require('worker_threads');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'health.js'));
// The peer lives in a worker, so that its sockets do not count.
const PEER = `
  const net = require('net');
  const { parentPort } = require('worker_threads');
  const server = net.createServer((s) => { s.on('error', () => {}); s.write('ready\\n'); });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
let worker, port;
exports.params = { warmup: 15, k: 30 };
exports.setup = async () => {
  worker = new Worker(PEER, { eval: true });
  port = await new Promise((r) => worker.once('message', r));
};
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.check(port); };
exports.teardown = async () => { await worker.terminate(); };
