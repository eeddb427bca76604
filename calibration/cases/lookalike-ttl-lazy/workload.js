'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'quotes.js'));
let seq = 0;
exports.params = { warmup: 200, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.quote('q' + seq++, i); };
exports.probe = () => app.size();
