'use strict';
const path = require('path');
const { connect } = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'tee.js'));
async function* readings() { for (let n = 0; ; n++) yield { sensor: n % 9, celsius: 20 + (n % 50) / 10, n }; }
let feeds;
exports.params = { warmup: 400, k: 1000 };
exports.setup = async () => { feeds = connect(readings()); };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) await feeds.dashboard.next(); };
