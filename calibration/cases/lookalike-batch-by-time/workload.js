'use strict';
const path = require('path');
const metrics = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'metrics.js'));
exports.params = { warmup: 200, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) metrics.timing('http.request', i % 50, ['route:/r' + i, 'status:200']); };
exports.probe = () => metrics.state().waiting;
