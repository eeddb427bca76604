'use strict';
const path = require('path');
const { latency } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'stats.js'));
let x = 1;
const random = () => (x = (x * 48271) % 2147483647) / 2147483647;
exports.params = { warmup: 5000, k: 12000 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) latency.add(random() * 80); };
exports.probe = () => latency.values.length;
