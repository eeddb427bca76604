'use strict';
const path = require('path');
const { reload } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'loader.js'));
let version = 0;
exports.params = { warmup: 20, k: 60 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) reload(version++).apply(i); };
exports.probe = () => Object.keys(require.cache).length;
