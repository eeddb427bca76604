'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
let seq = 0;
exports.params = { warmup: 500, k: 1200 };
exports.setup = async () => {
  app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'metrics.mjs')).href);
};
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) app.observe({ method: 'GET', url: `/users/${seq++}/orders` }, seq % 40 ? 200 : 404);
};
exports.probe = () => app.requests.size;
