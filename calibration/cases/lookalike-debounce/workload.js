'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'index-updates.js'));
let seq = 0;
exports.params = { warmup: 100, k: 250 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { const id = 'doc' + (seq++ >> 1); app.changed(id, { rev: i, text: 'text ' + i }); } };
exports.probe = () => app.waiting();
