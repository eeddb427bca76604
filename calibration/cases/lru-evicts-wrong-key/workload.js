'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'app.js'));
let seq = 0;
exports.params = { warmup: 400, k: 900 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    seq++;
    app.thumbnail(seq);
    if (seq % 3 === 0) app.thumbnail(seq - 2);
  }
};
