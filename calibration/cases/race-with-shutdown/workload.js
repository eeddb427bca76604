'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
exports.params = { warmup: 200, k: 500 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'worker.mjs')).href); };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.step(async () => ({ n: i })); };
