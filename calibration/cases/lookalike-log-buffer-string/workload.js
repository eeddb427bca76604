'use strict';
const path = require('path');
const { log } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'logfile.js'));
exports.params = { warmup: 500, k: 900 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) log.line('info', 'request ' + i + ' served from cache in ' + (i % 9) + ' ms'); };
exports.probe = () => log.buffer.length;
