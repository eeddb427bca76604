'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
const sink = { bytes: 0 };
exports.params = { warmup: 200, k: 1500 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'export.mjs')).href); };
exports.iterate = async (n) => { for (let i = 0; i < n; i += 300) await app.exportRows(300, sink); };
