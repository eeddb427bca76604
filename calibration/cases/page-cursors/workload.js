'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'cursors.js'));
// Nearly everybody stops after the second page.
let seq = 0;
exports.params = { warmup: 200, k: 500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const base = seq++;
    const { token } = app.open(Array.from({ length: 12 }, (_, j) => ({ row: base * 100 + j })));
    app.next(token);
    if (base % 10 === 0) while (app.next(token));
  }
};
exports.probe = () => app.open_count();
