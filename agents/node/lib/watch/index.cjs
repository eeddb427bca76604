'use strict';

const { every, soon } = require('../clock.cjs');
const { BlockWatch } = require('./blocked.cjs');
const { takeCensus } = require('./census.cjs');
const { Emitters } = require('./emitters.cjs');
const { Stalls } = require('./stalls.cjs');

/** What an agent tells of by events: `slow`, `blocked`, `census`. Without a collector, nothing of it runs. */
class Watches {
  /** What samplers need of it. */
  context;
  #agent;
  #blocked = null;
  #stalls = null;
  #endCensus = null;

  constructor(agent) {
    const { guard, options } = agent;
    this.#agent = agent;
    const emitters = new Emitters({ traces: options.listeners });
    this.context = { emitters };
    if (!options.collector) return;
    const report = (event) => agent.report(event);
    this.#blocked = new BlockWatch({ thresholdMs: options.blockedMs, guard, report });
    const onStall = (ms) => this.#blocked.stalled(ms);
    if (options.stalls) this.#stalls = new Stalls({ guard, onStall });
    this.context = { emitters, stalls: this.#stalls, onStall };
    if (options.censusMs > 0) {
      this.#endCensus = every(options.censusMs, guard.wrap(() => report(takeCensus(emitters))));
    }
  }

  /** Reports what was slow in an interval, whose sample this is. */
  intervalEnded(intervalMs, sample) {
    if (!this.#stalls) return;
    // Node tells of collections at the end of the turn.
    soon(this.#agent.guard.wrap(() => {
      const event = this.#stalls.take(intervalMs, sample.request_ms_p50);
      if (event) this.#agent.report(event);
    }));
  }

  stop() {
    this.#endCensus?.();
    this.#stalls?.stop();
    this.#blocked?.stop();
  }
}

module.exports = { Watches };
