'use strict';
const path = require('path');
const { store } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'store.js'));
// Somebody scrapes the stats every 300 documents.
let seq = 0;
exports.params = { warmup: 900, k: 1500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    seq++;
    store.put('doc-' + seq, { id: seq, title: 'Title ' + seq, tags: ['a', 'b'] });
    if (seq % 300 === 0) store.stats();
  }
};
exports.probe = () => store.count();
