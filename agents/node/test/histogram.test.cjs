'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { Histogram } = require('../lib/samplers/histogram.cjs');

/** What the histogram approximates: the smallest value that `share` of all do not exceed. */
function exactQuantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
}

test('quantiles are within 3.2 % of the exact ones, from microseconds to hours', () => {
  // A fixed sequence that covers ten decades evenly.
  const values = Array.from({ length: 5000 }, (_, i) => 10 ** (-2.9 + 9.4 * ((i * 7919) % 5000) / 5000));
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);

  for (const share of [0, 0.01, 0.5, 0.9, 0.99, 1]) {
    const exact = exactQuantile(values, share);
    const found = histogram.quantile(share);
    assert.ok(Math.abs(found / exact - 1) <= 1 / 31, `${share}: ${found} for ${exact}`);
  }
});

test('what is outside the range counts at its ends', () => {
  const histogram = new Histogram();
  for (const value of [0, -1, 1e-12, NaN, Infinity, 1e12]) histogram.record(value);

  assert.strictEqual(histogram.count, 6);
  assert.ok(histogram.quantile(0.01) < 0.0011);
  assert.ok(histogram.quantile(1) > 4e6);
});

test('an empty histogram has no quantiles, also after a reset', () => {
  const histogram = new Histogram();
  assert.strictEqual(histogram.quantile(0.5), null);
  histogram.record(5);
  histogram.reset();

  assert.strictEqual(histogram.quantile(0.5), null);
});
