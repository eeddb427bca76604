'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app, seq = 0;
// A generation lasts about nine rounds.
exports.params = { warmup: 200, k: 450 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'seen.mjs')).href); };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.seen('msg-' + (seq++).toString(16)); };
exports.probe = () => app.remembered();
