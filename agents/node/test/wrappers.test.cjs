'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { idleReason, wrapperOf } = require('../lib/wrappers.cjs');

const MAIN = { isMainThread: true, parentPort: null };

test('package managers and runners that start other programs are wrappers', () => {
  for (const script of [
    '/usr/local/bin/npm',
    '/usr/local/bin/npx',
    '/usr/lib/node_modules/npm/bin/npm-cli.js',
    '/usr/lib/node_modules/npm/bin/npx-cli.js',
    '/app/.yarn/releases/yarn-4.1.0.cjs',
    '/usr/share/yarn/bin/yarn.js',
    '/opt/yarn-v1.22.19/bin/yarn.js',
    '/usr/lib/node_modules/corepack/dist/yarn.js',
    '/usr/lib/node_modules/pnpm/bin/pnpm.cjs',
    '/app/node_modules/.bin/tsx',
    '/app/node_modules/tsx/dist/cli.mjs',
    '/app/node_modules/.bin/nodemon',
    '/app/node_modules/nodemon/bin/nodemon.js',
    '/app/node_modules/@nestjs/cli/bin/nest.js',
    'C:\\app\\node_modules\\tsx\\dist\\cli.mjs',
  ]) {
    assert.ok(wrapperOf(script), script);
  }
});

test('applications are not, whatever they are called', () => {
  for (const script of [
    undefined,
    '/app/server.js',
    '/app/npm.js',
    '/app/yarn/index.js',
    '/app/src/tsx.ts',
    '/app/node_modules/.bin/next',
    '/app/node_modules/ts-node/dist/bin.js',
    '/srv/npm/server.js',
    '/app/cli.js',
  ]) {
    assert.strictEqual(wrapperOf(script), null, script);
  }
});

test('a thread without a parent port is one of Node itself', () => {
  const argv = ['node', '/app/server.js'];
  const worker = { isMainThread: false, isInternalThread: false, parentPort: {} };

  assert.strictEqual(idleReason({ argv, env: {}, threads: MAIN }), null);
  assert.strictEqual(idleReason({ argv, env: {}, threads: worker }), null);
  assert.strictEqual(idleReason({ argv, env: {}, threads: { ...worker, parentPort: null } }), 'loader thread');
  assert.strictEqual(idleReason({ argv, env: {}, threads: { ...worker, isInternalThread: true } }), 'loader thread');
});

test('HEAPSLEUTH_OFF=1 turns the agent off', () => {
  const argv = ['node', '/app/server.js'];

  assert.strictEqual(idleReason({ argv, env: { HEAPSLEUTH_OFF: '1' }, threads: MAIN }), 'HEAPSLEUTH_OFF');
  assert.strictEqual(idleReason({ argv, env: { HEAPSLEUTH_OFF: '0' }, threads: MAIN }), null);
});
