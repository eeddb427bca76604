'use strict';
const path = require('path');
const trail = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'trail.js'));
exports.params = { warmup: 150, k: 320 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) trail.append('user ' + i + ' changed the title'); };
exports.probe = () => trail.length;
