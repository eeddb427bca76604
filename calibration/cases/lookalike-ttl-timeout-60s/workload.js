'use strict';
const path = require('path');
const service = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'carts.js'));
let seq = 0;
exports.params = { warmup: 60, k: 150 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { const v = 'v' + seq++; service.add(v, { sku: 'A' + i, qty: 1 }); if (i % 2) service.add(v, { sku: 'B' + i, qty: 2 }); } };
exports.probe = () => Object.keys(service.carts).length;
