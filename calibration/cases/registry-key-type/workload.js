'use strict';
const path = require('path');
const { Chart, count } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'bundle.js'));
exports.params = { warmup: 400, k: 1500 };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) { const chart = new Chart({ title: 't' + i }); chart.draw([1, 2, i]); chart.destroy(); }
};
exports.probe = () => count();
