'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'profiles.js'));
let seq = 0;
exports.params = { warmup: 100, k: 350 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await app.profile(seq++); };
exports.probe = () => app.size();
