'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');

const REGISTER = path.join(__dirname, '..', 'register.cjs');
const PROGRAMS = path.join(__dirname, 'programs');

/** The environment of a program with the agent in it, free of what the tests themselves run under. */
function environment(extra = {}) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(HEAPSLEUTH_|npm_|NODE_TEST|NODE_V8)/.test(name)) delete env[name];
  }
  return {
    ...env,
    NODE_OPTIONS: `--require "${REGISTER}"`,
    HEAPSLEUTH_INTERVAL_MS: '100',
    HEAPSLEUTH_SNAPSHOT_THRESHOLD: '0',
    ...extra,
  };
}

/** Starts Node; `done` resolves with `{code, signal, stdout, stderr, ms}` when it has ended. */
function start(args, { env = environment(), cwd = PROGRAMS, limitMs = 300_000, ...options } = {}) {
  const begun = Date.now();
  const child = spawn(process.execPath, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { stdout += chunk; });
  child.stderr.setEncoding('utf8').on('data', (chunk) => { stderr += chunk; });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const done = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, ms: Date.now() - begun });
    });
  });
  return { child, done, output: () => stdout, errors: () => stderr };
}

/** Runs Node to its end. */
const run = (args, options) => start(args, options).done;

/** Resolves when `test` is true; it is asked often. */
async function eventually(test, what, ms = 180_000) {
  const end = Date.now() + ms;
  while (!test()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/**
 * Runs `act` until it does not throw, at most that many times: for what a busy machine, or a collection
 * that V8 makes of its own accord, may spoil now and then.
 */
async function attempts(act, times = 10) {
  for (let left = times; ; left -= 1) {
    try {
      return await act();
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}

module.exports = { PROGRAMS, REGISTER, attempts, environment, eventually, run, start };
