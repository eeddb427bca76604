'use strict';
const path = require('path');
const { intern, size } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'intern.js'));
// Log fields are interned; one of them is a request id.
let seq = 0;
exports.params = { warmup: 1500, k: 2500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) { intern('level=' + (i % 5)); intern('req-' + (seq++).toString(36)); }
};
exports.probe = () => size();
