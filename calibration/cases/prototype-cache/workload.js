'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'template.js'));
let seq = 0;
exports.params = { warmup: 200, k: 500 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.mail({ name: 'Customer ' + seq++, order: seq * 7 }); };
