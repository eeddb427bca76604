'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'server.js'));
let seq = 0;
exports.params = { warmup: 200, k: 600 };
exports.iterate = async (n) => { for (let i = 0; i < n; i += 50) await Promise.all(Array.from({ length: 50 }, () => app.handle(seq++))); };
