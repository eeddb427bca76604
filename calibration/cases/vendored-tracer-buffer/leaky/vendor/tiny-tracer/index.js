'use strict';

const finished = [];
let exporter = null;

class Span {
  constructor(name, attributes) {
    this.name = name;
    this.attributes = attributes;
    this.startedAt = process.hrtime.bigint();
    this.endedAt = null;
  }

  end() {
    this.endedAt = process.hrtime.bigint();
    finished.push(this);
    if (exporter && finished.length >= exporter.batch) exporter.send(finished.splice(0));
  }
}

module.exports = {
  startSpan: (name, attributes = {}) => new Span(name, attributes),
  setExporter: (next) => { exporter = next; },
  pending: () => finished.length,
};
