'use strict';
const path = require('path');
const { transfer } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'mutex.js'));
// Requests do not wait for each other; one in 400 has a bad amount.
const turn = () => new Promise((r) => setImmediate(r));
let seq = 0;
exports.params = { warmup: 900, k: 500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const request = { id: seq++, amount: seq % 400 === 0 ? 0 : 5 };
    transfer('acc-' + (seq % 2), request.amount).then(() => { request.done = true; }, () => { request.failed = true; });
    if (i % 25 === 24) await turn();
  }
  await turn();
};
