'use strict';

// Why a snapshot was not taken, as an error with a code that programs test and figures that people read.
// Codes: busy, cooldown, too-near-limit, memory, disk (refused before anything was done);
// folder, permission, disk-full, write, incomplete (tried and failed); unsupported.

class SnapshotError extends Error {
  constructor(code, text, figures = {}) {
    super(text);
    this.name = 'SnapshotError';
    this.code = code;
    this.figures = figures;
  }

  get text() {
    return this.message;
  }

  toJSON() {
    return { code: this.code, text: this.message, figures: this.figures };
  }
}

const STEPS = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];

/** Bytes as `1.65 GB`, with three significant digits and decimal units, as in the Python reports. */
function formatBytes(bytes) {
  for (const [step, unit] of STEPS) {
    if (Math.abs(bytes) >= step) return `${Number((bytes / step).toPrecision(3))} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

function formatPause(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toPrecision(2))} s`;
}

module.exports = { SnapshotError, formatBytes, formatPause };
