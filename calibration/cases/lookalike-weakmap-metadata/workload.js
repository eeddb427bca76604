'use strict';
const path = require('path');
const meta = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'meta.js'));
// A document of 3,000 nodes stays; it is built in twelve rounds. Other nodes come and go.
const doc = [];
exports.params = { warmup: 200, k: 500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const node = { tag: 'p', text: 'text ' + i, children: [] };
    meta.annotate(node, { line: i, checked: true });
    if (i % 2 === 0 && doc.length < 3000) doc.push(node);
  }
};
exports.probe = () => doc.length;
