'use strict';
const path = require('path');
const store = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'tokens.js'));
let seq = 0;
exports.params = { warmup: 200, k: 500 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { const t = store.issue('u' + seq++); if (i % 3) store.verify(t); } };
exports.probe = () => store.tokens.size;
