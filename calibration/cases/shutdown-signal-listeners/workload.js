'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let app;
exports.params = { warmup: 200, k: 400 };
exports.setup = async () => {
  app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'app.mjs')).href);
  require('events').setMaxListeners(0, app.signal);
};
exports.iterate = async (n) => {
  for (let i = 0; i < n; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => app.poll({ id: i + j })));
};
