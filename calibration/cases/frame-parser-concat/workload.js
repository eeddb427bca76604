'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'parser.js'));
exports.params = { warmup: 30, k: 150 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const frame = Buffer.alloc(2 + 1022, i & 255);
    frame.writeUInt16BE(1022, 0);
    app.parser.write(frame.subarray(0, 500));
    app.parser.write(frame.subarray(500));
  }
};
exports.probe = () => app.parser.pending.length;
