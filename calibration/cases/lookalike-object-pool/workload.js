'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'pool.js'));
// Four more at once in every round, up to 100.
let together = 2;
exports.params = { warmup: 20, k: 200 };
exports.iterate = async (n) => {
  together = Math.min(100, together + 4);
  for (let i = 0; i < n; i += together) await Promise.all(Array.from({ length: together }, (_, j) => app.encode('text ' + (i + j))));
};
exports.probe = () => app.pool.made;
