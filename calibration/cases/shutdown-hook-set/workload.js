'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
const db = { next: 1, committed: 0 };
exports.params = { warmup: 300, k: 900 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'index.mjs')).href); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) await app.withTransaction(db, async (tx) => { tx.ops.push({ sql: 'update', row: i }); });
};
exports.probe = () => app.hookCount();
