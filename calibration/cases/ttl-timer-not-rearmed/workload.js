'use strict';
const path = require('path');
const store = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'sessions.js'));
// Half of the sessions see a second request.
let seq = 0;
exports.params = { warmup: 400, k: 800, settleMs: 260 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const id = 's' + seq++;
    store.open(id, { name: 'u' + (seq % 31) }).cart.push(seq);
    if (seq % 2) store.touch(id);
  }
};
exports.probe = () => Object.keys(store.sessions).length;
