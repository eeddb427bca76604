'use strict';
const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

class Histogram {
  constructor() {
    this.children = new Map();
  }

  observe(route, status, ms) {
    const key = `${route} ${status}`;
    let child = this.children.get(key);
    if (!child) {
      child = { route, status, count: 0, sum: 0, buckets: BOUNDS.map((le) => ({ le, count: 0 })) };
      this.children.set(key, child);
    }
    child.count++;
    child.sum += ms;
    for (const bucket of child.buckets) if (ms <= bucket.le) bucket.count++;
  }
}

module.exports = new Histogram();
