'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'app.js'));
exports.params = { warmup: 300, k: 800 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.handle({ path: '/items/' + (i % 12) }); };
exports.probe = () => app.pending();
