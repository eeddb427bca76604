'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let dedupe, seq = 0;
exports.params = { warmup: 100, k: 300 };
exports.setup = async () => {
  const { Deduplicator } = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'dedupe.mjs')).href);
  dedupe = new Deduplicator();
};
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { dedupe.isNew('evt_' + seq); dedupe.isNew('evt_' + seq++); } };
exports.probe = () => dedupe.size;
