'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'with-timeout.js'));
let seq = 0;
// The timers run out half a minute later; until then each holds its promise.
exports.params = { warmup: 60, k: 150 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.fetchPrice('sku-' + seq++); };
