'use strict';
const path = require('path');
const translate = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'i18n.js'));
let seq = 0;
// Saw teeth of about ten rounds.
exports.params = { warmup: 150, k: 300 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) translate(i % 2 ? 'de' : 'fr', 'items_left', { n: seq++ }); };
exports.probe = () => translate.size();
