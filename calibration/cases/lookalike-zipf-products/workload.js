'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'catalogue.js'));
let x = 99;
const random = () => (x = (x * 48271) % 2147483647) / 2147483647;
// Few products are popular, most are asked for rarely.
exports.params = { warmup: 300, k: 600 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.product(Math.floor(5000 * random() ** 2.2)); };
exports.probe = () => app.loaded();
