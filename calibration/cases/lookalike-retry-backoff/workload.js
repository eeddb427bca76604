'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app, seq = 0;
exports.params = { warmup: 50, k: 150 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'retry.mjs')).href); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const id = seq++;
    await app.submit('webhook ' + id, async (tries) => { if (id % 3 && tries < 5) throw new Error('503 for ' + id); });
  }
};
exports.probe = () => app.pending();
