'use strict';
const path = require('path');
const { rows } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'batcher.js'));
let seq = 0;
exports.params = { warmup: 100, k: 280 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) rows.add({ id: seq++, name: 'row ' + seq, values: [i, i * 2] }); };
exports.teardown = async () => rows.flush();
exports.probe = () => rows.items.length;
