'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'jobs.js'));
let seq = 0;
exports.params = { warmup: 100, k: 170 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { await app.submit('job-' + seq, { a: seq, b: 1 }); app.status('job-' + seq++); } };
exports.probe = () => app.known();
