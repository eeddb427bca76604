'use strict';
const path = require('path');
const histogram = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'histogram.js'));
const STATUS = [200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 500, 503];
let x = 11;
const random = (n) => (x = (x * 48271) % 2147483647) % n;
// 60 routes with 12 statuses; rare combinations turn up late.
exports.params = { warmup: 100, k: 250 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) histogram.observe('/api/v1/resource' + random(60), STATUS[Math.floor(12 * (random(1000) / 1000) ** 2)], random(900)); };
exports.probe = () => histogram.children.size;
