'use strict';

const fs = require('node:fs');
const v8 = require('node:v8');

const { after, cancel, now, wall } = require('./clock.cjs');
const { Guard, describeError } = require('./errors.cjs');
const { describeInstance } = require('./instance.cjs');
const { MAX_INTERVAL_MS, MIN_INTERVAL_MS } = require('./options.cjs');
const { Queue } = require('./queue.cjs');
const { closeSamplers, openSamplers, readSamplers } = require('./samplers/index.cjs');
const { SignalTrigger } = require('./signals.cjs');

// Soon, so that the collector knows of the process; not at once, while the application still loads.
const FIRST_SAMPLE_MS = 50;

/** The agent of one thread: samplers, what sends them, and what takes snapshots. */
class Agent {
  guard = new Guard();
  options;
  instance;
  commands = null;
  /** Bytes of heap that loading and starting the agent took. */
  baseBytes = 0;
  #queue = new Queue();
  #readers = [];
  #watches = null;
  #sampledAt = now();
  #transport = null;
  #signals = null;
  #threshold = null;
  #timer = null;
  #intervalMs;
  #stopped = false;

  constructor(options) {
    this.options = options;
    this.instance = describeInstance();
    this.#intervalMs = options.intervalMs;
  }

  start() {
    const before = v8.getHeapStatistics().used_heap_size;
    this.guard.run(() => this.#openSamplers());
    this.guard.run(() => this.#connect());
    this.guard.run(() => this.#watchSignal());
    this.guard.run(() => this.#armNearLimit());
    this.guard.run(() => this.#watchThreshold());
    for (const text of this.options.warnings) this.report({ type: 'warning', code: 'bad-option', text });
    // A collection in between makes the difference negative.
    this.baseBytes = Math.max(0, v8.getHeapStatistics().used_heap_size - before);
  }

  stop() {
    this.#stopped = true;
    cancel(this.#timer);
    this.guard.run(() => this.#signals?.stop());
    this.guard.run(() => this.#threshold?.stop());
    this.guard.run(() => this.commands?.stop());
    this.guard.run(() => this.#transport?.stop());
    this.guard.run(() => this.#watches?.stop());
    closeSamplers(this.#readers);
  }

  /** A sample now; what is measured by interval goes on as if nobody had looked. */
  metrics() {
    return readSamplers(this.#readers, { reset: false, guard: this.guard });
  }

  /** Sends an event as soon as the collector takes it; without a collector it is for nobody. */
  report(event) {
    if (!this.#transport || this.#stopped) return;
    this.#queue.addEvent({ at_ms: wall(), ...event });
    this.#transport.flush();
  }

  setInterval(intervalMs) {
    const usable = intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS;
    if (!usable || intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    if (this.#timer) this.#schedule(intervalMs);
  }

  /** Takes a heap snapshot; rejects with `code`, text and `figures` when it is refused or fails. */
  async snapshot(options) {
    const { service, release, snapshotDir } = this.options;
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    return require('./snapshot/index.cjs').take({
      dir: snapshotDir, service, release, counters: this.#workCounters(), ...given,
    });
  }

  /** Takes a heap snapshot that nobody waits for, and reports how it went. */
  snapshotFor(reason) {
    const outcome = this.guard.wrap((event) => {
      this.report({ type: 'snapshot', reason, ...event });
      this.#say(event.ok ? `heap snapshot written to ${event.path}` : `no heap snapshot: ${event.error.text}`);
    });
    return this.snapshot({ reason }).then(
      (result) => outcome({ ok: true, ...result }),
      (error) => outcome({ ok: false, error: describeError(error) }),
    );
  }

  #openSamplers() {
    const { Watches } = require('./watch/index.cjs');
    this.#watches = new Watches(this);
    this.#readers = openSamplers({
      guard: this.guard,
      options: this.options,
      ownBytes: () => this.#ownBytes(),
      onMajor: (floor) => this.#threshold?.check(floor),
      ...this.#watches.context,
    });
  }

  #connect() {
    if (!this.options.collector) return;
    const { Transport } = require('./transport.cjs');
    this.#transport = new Transport({
      options: this.options,
      instance: this.instance,
      guard: this.guard,
      queue: this.#queue,
      counters: () => this.#counters(),
      onReply: ({ interval_ms: intervalMs, commands }) => {
        this.setInterval(intervalMs);
        if (Array.isArray(commands) && commands.length > 0) this.#obey(commands);
      },
    });
    this.#schedule(FIRST_SAMPLE_MS);
  }

  #obey(commands) {
    if (!this.commands) {
      const { Commands } = require('./commands.cjs');
      this.commands = new Commands(this);
    }
    this.commands.handle(commands);
  }

  #schedule(ms) {
    cancel(this.#timer);
    this.#timer = after(ms, this.guard.wrap(() => {
      if (this.#stopped) return;
      this.#schedule(this.#intervalMs);
      this.#sample();
      this.#transport.flush();
    }));
  }

  #sample() {
    const sample = readSamplers(this.#readers, { reset: true, guard: this.guard });
    this.#queue.addSample(sample);
    const at = now();
    this.#watches.intervalEnded(at - this.#sampledAt, sample);
    this.#sampledAt = at;
  }

  #watchSignal() {
    this.#signals = new SignalTrigger({
      signal: this.options.snapshotSignal,
      guard: this.guard,
      act: () => this.snapshotFor('signal'),
      say: (text) => this.#warn('signal-in-use', text),
    });
    this.#signals.start();
  }

  #armNearLimit() {
    if (!this.options.nearLimit) return;
    const { armed, text } = require('./snapshot/index.cjs').armNearLimit();
    if (!armed) this.#warn('near-limit', text);
  }

  #watchThreshold() {
    // Not by the folder's index: most processes never come near, and need not load the rest.
    const { watchThreshold } = require('./snapshot/threshold.cjs');
    if (this.options.snapshotThreshold > 0) this.#threshold = watchThreshold(this);
  }

  #workCounters() {
    const { requests_total: requests, gc_count: gc, gc_major_count: major } = this.metrics();
    return {
      requests_total: requests, gc_count: gc, gc_major_count: major, uptime_ms: process.uptime() * 1000,
    };
  }

  #counters() {
    return {
      errors: this.guard.errors,
      last_error: this.guard.lastError,
      dropped: this.#queue.dropped,
      own_cpu_ms: this.guard.ownMs,
      own_bytes: this.#ownBytes(),
    };
  }

  #ownBytes() {
    const kept = this.#readers.reduce((sum, reader) => sum + (reader.bytes ?? 0), 0);
    return this.baseBytes + this.#queue.bytes + (this.#transport?.bytes ?? 0) + kept;
  }

  #warn(code, text) {
    this.report({ type: 'warning', code, text });
    this.#say(text);
  }

  #say(text) {
    // Not process.stderr: with nobody reading, its error would become an uncaught exception.
    this.guard.run(() => fs.writeSync(2, `heapsleuth: ${text}\n`));
  }
}

module.exports = { Agent };
