'use strict';

const threads = require('node:worker_threads');

const { idleReason } = require('./wrappers.cjs');

/** Starts the agent where it has business; returns whether it did. */
function preload() {
  if (idleReason({ argv: process.argv, env: process.env, threads })) return false;
  return require('../index.cjs').start();
}

module.exports = { preload };
