'use strict';
const path = require('path');
const images = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'images.js'));
let seq = 0;
exports.params = { warmup: 60, k: 140 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    images.load('img-' + seq++);
    if (i % 50 === 49) await new Promise((r) => setImmediate(r));
  }
};
exports.probe = () => images.size;
