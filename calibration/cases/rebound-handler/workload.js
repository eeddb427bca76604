'use strict';
const path = require('path');
const { Panel, theme } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'widget.js'));
require('events').setMaxListeners(0, theme);
let seq = 0;
exports.params = { warmup: 200, k: 600 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) new Panel('panel ' + seq++).mount().unmount();
};
