'use strict';

const fs = require('node:fs');
const { isMainThread } = require('node:worker_threads');

// nodemon starts its program through a shell, and a package script adds one more.
const ANCESTORS = 4;

/** Command lines of the process's ancestors, nearest first; empty where there is no /proc. */
function ancestorCommands() {
  const commands = [];
  let pid = process.ppid;
  for (let level = 0; level < ANCESTORS && pid > 1; level += 1) {
    try {
      commands.push(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
      // The second field is the program's name in parentheses and may hold anything.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      break;
    }
  }
  return commands;
}

/** Returns who uses this signal already, in words, or null. */
function ownerOf(signal, { env, execArgv, listeners, report, ancestors }) {
  const flags = [...execArgv, ...(env.NODE_OPTIONS ?? '').split(/\s+/)].map((flag) => flag.replaceAll('"', ''));
  const after = (name) => {
    const at = flags.lastIndexOf(name);
    return at >= 0 ? flags[at + 1] : undefined;
  };
  if (flags.includes(`--heapsnapshot-signal=${signal}`) || after('--heapsnapshot-signal') === signal) {
    return `--heapsnapshot-signal=${signal}`;
  }
  if (report && report.reportOnSignal && report.signal === signal) return '--report-on-signal';
  if (listeners(signal) > 0) return 'a listener of the application';
  if (signal !== 'SIGUSR2') return null;
  const isNodemon = (command) => /(^|[\s/])nodemon(\.js)?(\s|$)/.test(command);
  if (isNodemon(env.npm_lifecycle_script ?? '') || ancestors().some(isNodemon)) {
    return 'nodemon, which restarts the program with it';
  }
  return null;
}

/**
 * Calls `act` when the process gets the signal, as long as nobody else wants it: a second listener
 * would make the application's own default (restart, exit, report) silently disappear.
 */
class SignalTrigger {
  #signal;
  #act;
  #say;
  #guard;
  #onSignal = null;
  #onNewListener = null;

  constructor({ signal, act, say, guard }) {
    this.#signal = signal;
    this.#act = act;
    this.#say = say;
    this.#guard = guard;
  }

  start() {
    // Signals only reach the main thread.
    if (this.#signal === 'none' || !isMainThread) return;
    const owner = ownerOf(this.#signal, {
      env: process.env,
      execArgv: process.execArgv,
      listeners: (signal) => process.listenerCount(signal),
      report: process.report,
      ancestors: ancestorCommands,
    });
    if (owner) {
      this.#yieldTo(owner);
      return;
    }
    this.#onSignal = this.#guard.wrap(() => this.#act());
    process.on(this.#signal, this.#onSignal);
    this.#onNewListener = this.#guard.wrap((name) => {
      if (name !== this.#signal) return;
      this.stop();
      this.#yieldTo('a listener of the application');
    });
    process.on('newListener', this.#onNewListener);
  }

  stop() {
    if (this.#onNewListener) process.removeListener('newListener', this.#onNewListener);
    if (this.#onSignal) process.removeListener(this.#signal, this.#onSignal);
    this.#onNewListener = null;
    this.#onSignal = null;
  }

  #yieldTo(owner) {
    this.#say(
      `${this.#signal} belongs to ${owner}, so it takes no heap snapshots. `
      + 'Set HEAPSLEUTH_SNAPSHOT_SIGNAL to another signal, or to none.',
    );
  }
}

module.exports = { SignalTrigger, ancestorCommands, ownerOf };
