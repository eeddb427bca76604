'use strict';

const { BOUNDS_S } = require('./http-durations.cjs');
const { ownFamilies } = require('./own.cjs');
const { DefaultMetrics } = require('./prom-client.cjs');
const { Samples } = require('./samples.cjs');
const { histogramSamples, render } = require('./text.cjs');
const { Guard } = require('../errors.cjs');
const { current } = require('../state.cjs');

/** What Prometheus scrapes. Counts begin when this is made. */
class Exporter {
  #guard = current()?.guard ?? new Guard();
  #defaults = null;
  #gcBounds;
  #samples;

  constructor({ gcDurationBuckets } = {}) {
    this.#gcBounds = gcDurationBuckets;
    this.#samples = new Samples(this.#guard);
  }

  /** Begins prom-client's metrics, unless they have begun; what shares a page with prom-client has no use for them. */
  begin({ defaultMetrics = true } = {}) {
    if (defaultMetrics) this.#defaults ??= new DefaultMetrics(this.#guard, this.#gcBounds);
    return this;
  }

  /** The page; `labels` come with every sample, `prefix` comes before prom-client's names. */
  async text({ prefix = '', labels = {}, defaultMetrics = true } = {}) {
    this.begin({ defaultMetrics });
    const defaults = defaultMetrics ? await this.#defaults.families() : [];
    const families = defaults.map((family) => ({ ...family, name: prefix + family.name }));
    return render([...families, ...this.#ownFamilies()], labels);
  }

  close() {
    this.#defaults?.close();
    this.#samples.close();
  }

  #ownFamilies() {
    const own = ownFamilies(this.#samples.read());
    const routes = [...this.#samples.http.byRoute];
    if (routes.length === 0) return own;
    return [...own, {
      name: 'heapsleuth_http_request_duration_seconds',
      type: 'histogram',
      help: 'HTTP requests by route, from the headers to the last byte of the response.',
      samples: routes.flatMap(([route, durations]) => (
        histogramSamples({ bounds: BOUNDS_S, ...durations, labels: { route } })
      )),
    }, {
      name: 'heapsleuth_http_requests_total',
      type: 'counter',
      help: 'HTTP requests by route and class of status.',
      samples: routes.flatMap(([route, { statuses }]) => (
        Array.from(statuses, ([status, value]) => ({ labels: { route, status }, value }))
      )),
    }];
  }
}

module.exports = { Exporter };
