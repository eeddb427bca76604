'use strict';

// Folders and child processes for the tests of snapshots.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');

const LIBRARY = path.join(__dirname, '..', 'lib', 'snapshot', 'index.cjs');

let count = 0;

/** A fresh folder, removed after the test. */
function folderFor(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-test-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A service name of its own, so that tests that run at once do not share a lock. */
function serviceFor(t) {
  count += 1;
  const service = `test_${process.pid}_${count}`;
  t.after(() => {
    for (const name of fs.readdirSync(os.tmpdir())) {
      if (name.startsWith(`heapsleuth-${service}-`)) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
    }
  });
  return service;
}

/**
 * Run code in a Node of its own, with `snapshot` (the library) and `shapes` at hand; what it passes to
 * `done` is the result. Resolves to `{result, code, signal, stderr}`.
 */
function runChild(code, { flags = [], onStart = () => {}, cwd } = {}) {
  const prelude =
    `const snapshot = require(${JSON.stringify(LIBRARY)});` +
    `const shapes = require(${JSON.stringify(path.join(__dirname, 'snapshot-shapes.cjs'))});` +
    "const done = (value) => process.stdout.write(JSON.stringify(value) + '\\n');";
  const child = spawn(process.execPath, [...flags, '-e', `${prelude}(async () => {${code}})();`], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  onStart(child);
  return new Promise((resolve) => {
    child.on('close', (exitCode, signal) => {
      let result = null;
      if (stdout.trim()) result = JSON.parse(stdout.trim().split('\n').pop());
      resolve({ result, code: exitCode, signal, stderr });
    });
  });
}

/** Code for `runChild`: take with these options and report `{ok}` or `{error}`. */
function taking(options) {
  return `await snapshot.take(${JSON.stringify(options)}).then((ok) => done({ ok }), (error) => done({ error }));`;
}

module.exports = { folderFor, runChild, serviceFor, taking };
