'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'ring.js'));
exports.params = { warmup: 200, k: 450 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.trace('request', { path: '/' + i, ms: i % 40 }); };
exports.probe = () => app.dump().length;
