'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
exports.params = { warmup: 150, k: 250 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'store.mjs')).href); };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.renderOnce({ id: i, html: '', ticks: 0 }); };
exports.probe = () => app.store.listenerCount;
