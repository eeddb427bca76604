'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'heartbeat.js'));
let seq = 0;
// A cluster of 300 machines that start one after another.
exports.params = { warmup: 100, k: 500 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { seq++; app.beat('node-' + (seq % Math.min(300, 1 + Math.floor(seq / 30))), seq); } };
exports.probe = () => app.count();
