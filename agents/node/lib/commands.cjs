'use strict';

const { now } = require('./clock.cjs');
const { describeError } = require('./errors.cjs');
const { collectGarbage } = require('./inspector.cjs');
const { AllocationProfile, refusal } = require('./allocation_profile.cjs');
const { MAX_INTERVAL_MS, MIN_INTERVAL_MS } = require('./options.cjs');

const MAX_COMMANDS_PER_REPLY = 16;
const REMEMBERED_IDS = 128;
const UPLOAD_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Command type → what it does; what it returns goes into the `command-result` event. */
const COMMANDS = {
  async snapshot(agent, command) {
    const { path, dir, force, options } = command;
    const result = await agent.snapshot({ ...options, path, dir, force: force === true, reason: 'command' });
    return sent(agent, command, result);
  },

  async gc(agent) {
    const begun = now();
    await collectGarbage();
    const sample = agent.metrics();
    // The observer has not been told yet, and just now everything in use is the floor.
    sample.floor_bytes = sample.heap_used_bytes;
    return { duration_ms: now() - begun, sample };
  },

  async 'set-interval'(agent, { interval_ms: intervalMs }) {
    if (!(intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS)) {
      throw refusal('bad-command', `interval_ms: expected ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}`);
    }
    agent.setInterval(intervalMs);
    return { interval_ms: intervalMs };
  },

  async 'profile.start'(agent, command) {
    return agent.commands.profile.start(command);
  },

  async 'profile.stop'(agent, command) {
    const { service, snapshotDir } = agent.options;
    const result = await agent.commands.profile.stop({ dir: command.dir ?? snapshotDir, service });
    return sent(agent, command, result);
  },
};

/** A result whose file goes to the collector first, if the command says so. */
function sent(agent, command, result) {
  return command.upload === undefined ? result : require('./snapshot/upload.cjs').send(agent, command, result);
}

/** FNV-1a of a command's id; never 0, which is an empty place. */
function hashOf(id) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash | 0 || 1;
}

/** Does what the collector asks, each command once, and answers each with an event. */
class Commands {
  profile = new AllocationProfile();
  #agent;
  // The same command can come with the reply to samples and with the poll. Hashes in a fixed place: what
  // grew with the commands would be a finding in the very heaps that are judged by their means.
  #seen = new Int32Array(REMEMBERED_IDS);
  #seenNext = 0;

  constructor(agent) {
    this.#agent = agent;
  }

  handle(commands) {
    for (const command of commands.slice(0, MAX_COMMANDS_PER_REPLY)) this.#begin(command);
  }

  stop() {
    this.profile.abandon();
  }

  #begin(command) {
    if (command === null || typeof command !== 'object') return;
    const { id, type } = command;
    if (typeof id !== 'string' || id === '' || id.length > 200) return;
    const hash = hashOf(id);
    if (this.#seen.includes(hash)) return;
    this.#seen[this.#seenNext] = hash;
    this.#seenNext = (this.#seenNext + 1) % REMEMBERED_IDS;
    const { guard } = this.#agent;
    const answer = guard.wrap((result) => this.#agent.report({ type: 'command-result', id, ...result }));
    guard.run(() => this.#act(type, command)).then(
      (result) => answer({ ok: true, ...result }),
      (error) => answer({ ok: false, error: describeError(error) }),
    );
  }

  async #act(type, command) {
    if (!Object.hasOwn(COMMANDS, type)) {
      throw refusal('unknown-command', `this agent knows ${Object.keys(COMMANDS).join(', ')}`);
    }
    const { upload } = command;
    if (upload !== undefined && !(typeof upload === 'string' && UPLOAD_ID.test(upload))) {
      throw refusal('bad-command', 'upload: expected letters, digits, _ and -, at most 64');
    }
    return COMMANDS[type](this.#agent, command);
  }
}

module.exports = { COMMANDS, Commands };
