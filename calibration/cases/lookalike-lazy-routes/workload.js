'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'router.js'));
let calls = 0;
// Visitors discover about 20 more of the 320 routes in each round.
exports.params = { warmup: 200, k: 800 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) { calls++; app.dispatch({ path: '/r/' + ((i * 7) % Math.min(320, 1 + Math.floor(calls / 40))), id: 'r1x' + i }); }
};
exports.probe = () => app.loaded();
