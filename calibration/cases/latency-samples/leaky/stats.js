'use strict';

class Samples {
  constructor() {
    this.values = new Float64Array(1024);
    this.length = 0;
  }

  add(value) {
    if (this.length === this.values.length) {
      const larger = new Float64Array(this.values.length + 4096);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  percentile(p) {
    const sorted = this.values.slice(0, this.length).sort();
    return sorted[Math.floor((sorted.length - 1) * p)];
  }
}

exports.latency = new Samples();
