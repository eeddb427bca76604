'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let pad;
exports.params = { warmup: 300, k: 800 };
exports.setup = async () => {
  pad = (await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'document.mjs')).href)).scratchpad;
};
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    pad.edit(() => 'line ' + i + ' of the minutes');
    if (i % 9 === 0) { pad.edit((text) => text.toUpperCase()); pad.undo(); }
  }
};
