'use strict';
const path = require('path');
const app = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'filters.js'));
const rows = [{ price: 3, owner: 'o1' }, { price: 9, owner: 'o2' }];
let seq = 0;
exports.params = { warmup: 50, k: 120 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) app.query(rows, { minPrice: 2, owner: 'o' + seq++ }); };
exports.probe = () => app.size();
