'use strict';
const path = require('path');
const world = require(path.join(process.env.VARIANT_DIR || process.cwd(), 'simulation.js'));
// One breath takes about 19 rounds.
exports.params = { warmup: 100, k: 300 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) world.tick(); };
exports.probe = () => world.particles.length;
