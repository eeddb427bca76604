'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'consumer.js'));
const turn = () => new Promise((r) => setImmediate(r));
let seq = 0;
exports.params = { warmup: 300, k: 700 };
exports.setup = async () => { app.start(); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    seq++;
    app.push({ id: 'm' + seq, topic: 'orders', body: 'x'.repeat(20) });
    if (i % 20 === 0) await turn();
  }
  while (app.handled < seq) await turn();
};
