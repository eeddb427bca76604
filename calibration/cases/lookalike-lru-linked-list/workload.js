'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let queries, seq = 0;
exports.params = { warmup: 200, k: 500 };
exports.setup = async () => { ({ queries } = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'lru.mjs')).href)); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const text = 'select * from t where id = ' + seq++;
    if (!queries.get(text)) queries.set(text, { plan: ['scan', 'filter'], cost: seq });
    queries.get('select * from t where id = ' + (seq >> 1));
  }
};
