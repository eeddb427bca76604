'use strict';

class Samples {
  constructor() {
    this.values = new Float64Array(1024);
    this.length = 0;
  }

  add(value) {
    // A reservoir: after it is full, newer values replace older ones.
    const at = this.length % this.values.length;
    this.values[at] = value;
    this.length++;
  }

  percentile(p) {
    const sorted = this.values.slice(0, Math.min(this.length, this.values.length)).sort();
    return sorted[Math.floor((sorted.length - 1) * p)];
  }
}

exports.latency = new Samples();
