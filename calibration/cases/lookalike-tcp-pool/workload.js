'use strict';
const path = require('path');
const { Worker } = require('worker_threads');
const { Pool } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'pool.js'));
const PEER = `
  const net = require('net');
  const { parentPort } = require('worker_threads');
  const server = net.createServer((s) => { s.on('error', () => {}); s.on('data', (d) => s.write('+' + d)); });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
let worker, pool, together = 1;
exports.params = { warmup: 10, k: 100 };
exports.setup = async () => {
  worker = new Worker(PEER, { eval: true });
  pool = new Pool(await new Promise((r) => worker.once('message', r)));
};
// Two more at once in every round.
exports.iterate = async (n) => {
  together = Math.min(60, together + 2);
  for (let i = 0; i < n; i += together) await Promise.all(Array.from({ length: together }, (_, j) => pool.ask('q' + (i + j))));
};
exports.teardown = async () => { pool.close(); await worker.terminate(); };
exports.probe = () => pool.all.length;
