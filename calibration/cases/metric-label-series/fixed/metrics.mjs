// A small labelled-counter registry, Prometheus style.
class Counter {
  #series = new Map();
  constructor(name, labelNames) {
    this.name = name;
    this.labelNames = labelNames;
  }

  labels(values) {
    const key = this.labelNames.map((label) => `${label}="${values[label]}"`).join(',');
    let series = this.#series.get(key);
    if (!series) {
      series = { labels: { ...values }, value: 0, created: 1700000000 };
      this.#series.set(key, series);
    }
    return { inc: (by = 1) => { series.value += by; } };
  }

  get size() { return this.#series.size; }

  *render() {
    for (const [key, { value }] of this.#series) yield `${this.name}{${key}} ${value}`;
  }
}

export const requests = new Counter('http_requests_total', ['method', 'path', 'status']);

const route = (url) => url.replace(/\/\d+(?=\/|$)/g, '/:id');

export function observe(req, status) {
  requests.labels({ method: req.method, path: route(req.url), status }).inc();
}
