'use strict';
const path = require('path');
const log = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'log.js'));
let seq = 0;
// 150 keys: compaction at 4,000 entries, every ten rounds or so.
exports.params = { warmup: 150, k: 400 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { log.append('key' + (seq % 150), { n: seq, by: 'u' + (seq % 9) }); seq++; } };
exports.probe = () => log.entries.length;
