'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'shards.js'));
let seq = 0;
exports.params = { warmup: 50, k: 300 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.lookup(Math.min(499, Math.floor(seq++ / 12)) - (i % 3 ? 0 : 1) + (seq < 20 ? 1 : 0)); };
