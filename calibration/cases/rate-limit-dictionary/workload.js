'use strict';
const path = require('path');
const rateLimit = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'limiter.js'));
let seq = 0;
exports.params = { warmup: 500, k: 1200, settleMs: 260 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    seq++;
    rateLimit({ ip: `10.${(seq >> 16) & 255}.${(seq >> 8) & 255}.${seq & 255}` });
    if (seq % 4 === 0) rateLimit({ ip: '127.0.0.1' });
  }
};
