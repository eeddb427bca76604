'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
let sessions, seq = 0;
exports.params = { warmup: 150, k: 400 };
exports.setup = async () => {
  const { Sessions } = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'sessions.mjs')).href);
  sessions = new Sessions();
};
exports.iterate = async (n) => { for (let i = 0; i < n; i++) { sessions.get('sid' + seq++).data.views++; sessions.get('staff-' + (i % 30)).data.views++; } };
exports.probe = () => sessions.count;
