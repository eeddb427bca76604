'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'jobs.js'));
let seq = 0;
exports.params = { warmup: 200, k: 800 };
exports.iterate = async (n) => { for (let i = 0; i < n; i += 20) await Promise.all(Array.from({ length: 20 }, () => app.execute({ id: seq++, percent: 0 }))); };
exports.probe = () => app.runner.listenerCount('progress');
