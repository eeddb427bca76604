'use strict';

const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

const { version } = require('../../package.json');
const { every, wall } = require('../clock.cjs');
const { activeCounts } = require('../metrics/active.cjs');
const { frugal } = require('../metrics/frugal.cjs');
const { GcDurations } = require('../metrics/gc-durations.cjs');
const { openFiles } = require('../metrics/proc.cjs');
const { Samples } = require('../metrics/samples.cjs');
const { Deltas } = require('./deltas.cjs');
const { encodeExport } = require('./encode.cjs');
const { GC_BOUNDS_S, readMetrics } = require('./metrics.cjs');
const { post } = require('./post.cjs');

const LOOP_RESOLUTION_MS = 10;

/**
 * Exports metrics by OTLP over HTTP, as JSON. One export is under way at a time and none is kept for later:
 * totals make up for one that was lost. Keeps no process alive; errors are counted.
 */
class OtlpExporter {
  #settings;
  #guard;
  #state;
  #deltas;
  #agent;
  #end;
  #underWay = null;

  constructor(settings, guard) {
    this.#settings = settings;
    this.#guard = guard;
    const { Agent } = settings.url.startsWith('https:') ? require('node:https') : require('node:http');
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    delays.enable();
    this.#state = {
      guard,
      delays,
      active: activeCounts(),
      collections: new GcDurations(guard, GC_BOUNDS_S),
      openFiles: frugal(openFiles),
      lastCpu: { user: 0, system: 0, uptime: 0 },
      lastLoop: performance.eventLoopUtilization(),
      resourceTypes: new Set(),
      samples: new Samples(guard),
    };
    // Most totals are the process's; what began later began at 0.
    this.#deltas = new Deltas(settings.temporality, performance.timeOrigin);
    this.#end = every(settings.intervalMs, () => this.flush());
  }

  /** Exports now; resolves with whether it was taken. Never rejects. With `hold` the process lives until then. */
  flush({ hold = false } = {}) {
    if (!this.#underWay) {
      const taken = new Promise((resolve) => {
        if (!this.#guard.run(() => this.#export(hold, resolve))) resolve(false);
      });
      this.#underWay = taken.then((ok) => {
        this.#underWay = null;
        return ok;
      });
    }
    return this.#underWay;
  }

  close() {
    this.#end();
    this.#state.delays.disable();
    this.#state.collections.close();
    this.#state.samples.close();
    this.#agent.destroy();
  }

  #export(hold, resolve) {
    const { resource, url, headers, timeoutMs } = this.#settings;
    const { metrics, commit } = this.#deltas.prepare(readMetrics(this.#state), wall());
    const scope = { name: 'heapsleuth', version };
    const body = JSON.stringify(encodeExport({ resource, scope, metrics }));
    post({ url, headers, body, timeoutMs, agent: this.#agent, guard: this.#guard, hold }, (error, status, reply) => {
      const ok = !error && status >= 200 && status <= 299;
      if (ok) commit();
      else this.#guard.record(error ?? new Error(`the OTLP endpoint answered ${status}`));
      const rejected = Number(reply?.partialSuccess?.rejectedDataPoints ?? 0);
      if (rejected > 0) this.#guard.record(new Error(`the OTLP endpoint rejected ${rejected} data points`));
      resolve(ok);
    });
    return true;
  }
}

module.exports = { OtlpExporter };
