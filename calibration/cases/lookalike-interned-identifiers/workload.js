'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'symbols.js'));
let x = 3;
const random = (n) => (x = (x * 48271) % 2147483647) % n;
const stems = ['get', 'set', 'find', 'list', 'make', 'drop', 'read', 'send', 'open', 'shut'];
// Source files of one project: 4,000 identifiers in all.
exports.params = { warmup: 100, k: 500 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.symbol(stems[random(10)] + 'Thing' + random(400)).uses++; };
exports.probe = () => app.count();
