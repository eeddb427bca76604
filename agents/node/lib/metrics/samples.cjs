'use strict';

const { performance } = require('node:perf_hooks');

const { HttpDurations } = require('./http-durations.cjs');
const { readOptions } = require('../options.cjs');
const { SAMPLERS, closeSamplers, openSamplers, readSamplers } = require('../samplers/index.cjs');
const { current } = require('../state.cjs');

/**
 * A sample now, from the running agent, or from samplers of one's own where none runs; and HTTP durations by
 * route, which the agent keeps by interval only.
 */
class Samples {
  #guard;
  #own = null;
  http;

  constructor(guard) {
    this.#guard = guard;
    this.http = new HttpDurations(this.#context());
  }

  read() {
    const requests = this.http.read();
    const agent = current();
    // Totals, where the sample has the share of an interval only.
    const { active, idle } = performance.eventLoopUtilization();
    return {
      ...(agent ? agent.metrics() : this.#readOwn()),
      ...requests,
      loop_active_ms_total: active,
      loop_idle_ms_total: idle,
    };
  }

  close() {
    this.http.close();
    if (this.#own) closeSamplers(this.#own);
  }

  #readOwn() {
    // Requests are counted anyway; the agent's own cost is nothing without an agent.
    const wanted = SAMPLERS.filter(({ name }) => name !== 'requests' && name !== 'self');
    this.#own ??= openSamplers(this.#context(), wanted);
    return readSamplers(this.#own, { reset: false, guard: this.#guard });
  }

  #context() {
    return { guard: this.#guard, options: current()?.options ?? readOptions(process.env), ownBytes: () => 0 };
  }
}

module.exports = { Samples };
