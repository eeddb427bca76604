'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
exports.params = { warmup: 200, k: 600 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'call.mjs')).href); };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.call({ n: i }); };
