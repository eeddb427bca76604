'use strict';

const path = require('node:path');

// Programs that only start others. NODE_OPTIONS reaches them too, and a package manager has neither
// a leak worth reporting nor signals to spare.
const COMMANDS = new Set([
  'npm', 'npx', 'yarn', 'yarnpkg', 'pnpm', 'pnpx', 'corepack', 'tsx', 'nodemon', 'nest', 'cross-env',
  'cross-env-shell', 'concurrently', 'conc', 'dotenv', 'env-cmd', 'npm-run-all', 'run-s', 'run-p', 'wait-on',
  'forever', 'lerna', 'turbo', 'nx', 'husky', 'ts-node-dev', 'tsnd',
]);

// Their scripts, where the name of the file says too little.
const SCRIPTS = [
  /\/npm\/bin\/np[mx]-cli\.js$/,
  /\/npm\/lib\/cli(\/[^/]+)?\.js$/,
  /\/yarn(-v?[\d.]+)?\/(bin|lib)\/(yarn|cli)\.c?js$/,
  /\/\.yarn\/releases\/yarn-[^/]+\.c?js$/,
  /\/(pnpm|corepack)\/(bin|dist)\/[^/]+\.[cm]?js$/,
  /\/corepack\/v\d+\/.*\.[cm]?js$/,
  /\/node_modules\/tsx\/dist\/cli\.[cm]?js$/,
  /\/node_modules\/nodemon\/bin\/nodemon\.js$/,
  /\/node_modules\/@nestjs\/cli\/bin\/nest\.js$/,
  /\/node_modules\/(cross-env|concurrently|dotenv-cli|env-cmd|npm-run-all2?)\/.*\.[cm]?js$/,
  /\/node_modules\/(turbo|nx|lerna|ts-node-dev|forever|wait-on)\/.*\.[cm]?js$/,
  /\/node-gyp\/bin\/node-gyp\.js$/,
];

/** Returns the wrapper that this script is, or null. `script` is process.argv[1]. */
function wrapperOf(script) {
  if (!script) return null;
  const name = path.basename(script);
  if (COMMANDS.has(name)) return name;
  const slashed = script.replace(/\\/g, '/');
  return SCRIPTS.some((pattern) => pattern.test(slashed)) ? name : null;
}

/**
 * Whether this is a thread that Node itself started for module loader hooks. Such a thread has no
 * parent port on any version (checked on 18 to 26); `isInternalThread` is there from 22.14.
 */
function isLoaderThread(threads) {
  return !threads.isMainThread && (threads.isInternalThread === true || !threads.parentPort);
}

/** Returns why the agent has no business here, or null. */
function idleReason({ argv, env, threads }) {
  if (env.HEAPSLEUTH_OFF === '1') return 'HEAPSLEUTH_OFF';
  if (isLoaderThread(threads)) return 'loader thread';
  const wrapper = wrapperOf(argv[1]);
  return wrapper ? `wrapper ${wrapper}` : null;
}

module.exports = { idleReason, isLoaderThread, wrapperOf };
