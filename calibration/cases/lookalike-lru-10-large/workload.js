'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'reports.js'));
let day = 0;
// Days roll on slowly; the last week is asked for over and over.
exports.params = { warmup: 30, k: 100 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { if (i % 20 === 0) day++; app.get(Math.max(0, day - (i % 7))); } };
exports.probe = () => app.size();
