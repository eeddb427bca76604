'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'identity-map.js'));
let seq = 0;
exports.params = { warmup: 500, k: 1500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    app.load(seq++);
    if (i % 100 === 99) await new Promise((r) => setImmediate(r));
  }
};
exports.probe = () => app.size();
