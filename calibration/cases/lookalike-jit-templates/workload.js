'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'views.js'));
let seq = 0;
exports.params = { warmup: 100, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.row(i % Math.min(240, 2 + Math.floor(seq++ / 28)), { c1_0: i }); };
exports.probe = () => app.compiled();
