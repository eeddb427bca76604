'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'distance.js'));
let x = 7;
const random = (n) => (x = (x * 48271) % 2147483647) % n;
exports.params = { warmup: 200, k: 700 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.distance(random(90), random(90)); };
exports.probe = () => app.memoSize();
