'use strict';
// Starts a child in every usual way and waits for them.
const { exec, fork, spawn } = require('node:child_process');
const seen = require.resolve('./agent_seen.cjs');
const say = (name) => (error, stdout) => console.log(name, error ? error.message : stdout.trim());
const collect = (name, child) => {
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  child.on('close', () => say(name)(null, text));
};
collect('spawn', spawn(process.execPath, [seen]));
collect('fork', fork(seen, { silent: true }));
collect('bare', spawn(process.execPath, [seen], { env: {} }));
exec(`"${process.execPath}" "${seen}"`, say('exec'));
