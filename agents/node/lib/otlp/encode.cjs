'use strict';

// OTLP's JSON: 64-bit integers as text, enumerations as numbers, attributes as lists of pairs.

const DELTA = 1;
const CUMULATIVE = 2;

const NS_PER_MS = 1_000_000n;

/** Nanoseconds since the epoch, as text: more than a double holds exactly. */
const nanos = (ms) => String(BigInt(Math.round(ms)) * NS_PER_MS);

function encodeValue(value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const encodeAttributes = (attributes) => (
  Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }))
);

const encodeNumber = (value) => (Number.isSafeInteger(value) ? { asInt: String(value) } : { asDouble: value });

function encodePoint(point, { startMs, atMs }) {
  const head = {
    attributes: encodeAttributes(point.attributes ?? {}),
    startTimeUnixNano: nanos(startMs),
    timeUnixNano: nanos(atMs),
  };
  if (!point.counts) return { ...head, ...encodeNumber(point.value) };
  const count = point.counts.reduce((total, one) => total + one, 0);
  return {
    ...head,
    count: String(count),
    sum: point.sum,
    bucketCounts: point.counts.map(String),
    explicitBounds: point.bounds,
    // Without a value there is neither; of a delta nobody keeps them.
    ...(count > 0 && point.min !== undefined ? { min: point.min, max: point.max } : {}),
  };
}

/**
 * `kind`: `gauge`; `counter`; `updown` (a sum that may fall); `histogram`. Points have `attributes` and
 * `value`, histograms `counts`, `bounds`, `sum`.
 */
function encodeMetric({ name, description, unit, kind, points, isDelta }, times) {
  const head = { name, description, unit };
  const dataPoints = points.map((point) => encodePoint(point, times));
  const aggregationTemporality = isDelta ? DELTA : CUMULATIVE;
  if (kind === 'gauge') {
    return { ...head, gauge: { dataPoints: dataPoints.map(({ startTimeUnixNano: _, ...point }) => point) } };
  }
  if (kind === 'histogram') return { ...head, histogram: { dataPoints, aggregationTemporality } };
  return { ...head, sum: { dataPoints, aggregationTemporality, isMonotonic: kind === 'counter' } };
}

/** The body of an export. `metrics` have `times` of their own: `{startMs, atMs}`. */
function encodeExport({ resource, scope, metrics }) {
  return {
    resourceMetrics: [{
      resource: { attributes: encodeAttributes(resource) },
      scopeMetrics: [{ scope, metrics: metrics.map((metric) => encodeMetric(metric, metric.times)) }],
    }],
  };
}

module.exports = { encodeExport };
