'use strict';

// Decides whether a snapshot would be survived, and says it with figures.

const { readLimits } = require('./limits.cjs');
const { predict } = require('./predict.cjs');
const { look, probe } = require('./probe.cjs');
const { SnapshotError, formatBytes, formatPause } = require('./refusal.cjs');

// At 95 % of the heap limit the GC that precedes a snapshot aborted Node 18 and 24; at 85 % none.
const MOST_OF_HEAP_LIMIT = 0.9;
// Predictions are right within a factor of 2 and too low by 1.5 at most for ordinary heaps.
const MEMORY_MARGIN = 1.5;

let learned;

/** Remember what the last snapshot taught, for the next prediction. */
function remember(factors) {
  learned = factors;
}

/**
 * Figures of a snapshot taken now: limits, `predicted`, and `basis` (what the prediction rests on).
 * With `gc: true` a full GC is forced, which halves the doubt; never above 90 % of the heap limit.
 * `streamed`: for a snapshot that a debugger takes from outside.
 */
function preflight({ folder = null, gc = false, streamed = false } = {}) {
  const limits = readLimits(folder);
  const near = limits.heap_used_bytes > limits.heap_limit_bytes * MOST_OF_HEAP_LIMIT;
  const basis = { ...(gc && !near ? probe() : look()), streamed, learned };
  const { ranges, ...predicted } = predict(basis);
  return { ...limits, predicted, ranges, basis };
}

/** The reason not to take the snapshot these figures are about, or null. */
function refusal(figures) {
  const { predicted } = figures;
  const cost = `about ${predicted.nodes.toLocaleString('en-US')} nodes, ${formatPause(predicted.pause_ms)} pause`;
  const share = figures.heap_used_bytes / figures.heap_limit_bytes;
  if (share > MOST_OF_HEAP_LIMIT) {
    return new SnapshotError(
      'too-near-limit',
      `refused: the heap is at ${Math.round(share * 100)} % of its limit (${formatBytes(figures.heap_used_bytes)} of ` +
        `${formatBytes(figures.heap_limit_bytes)}), and above ${MOST_OF_HEAP_LIMIT * 100} % the snapshot's own garbage ` +
        'collections can abort the process; raise --max-old-space-size, arm the near-limit snapshot earlier, or use force',
      figures,
    );
  }
  const wanted = predicted.extra_bytes * MEMORY_MARGIN;
  if (wanted > figures.free_memory_bytes) {
    const limit = figures.cgroup_limit_bytes
      ? ` (container limit ${formatBytes(figures.cgroup_limit_bytes)}, ${formatBytes(figures.cgroup_used_bytes)} used)`
      : '';
    return new SnapshotError(
      'memory',
      `refused: the snapshot would need about ${formatBytes(predicted.extra_bytes)} more memory ` +
        `(${formatBytes(wanted)} to be safe; ${cost}), and ${formatBytes(figures.free_memory_bytes)} are free${limit}; ` +
        'raise the limit, take it from an instance with a smaller heap, or use force',
      figures,
    );
  }
  const room = figures.ranges.file_bytes[1];
  if (figures.free_disk_bytes !== null && room > figures.free_disk_bytes) {
    return new SnapshotError(
      'disk',
      `refused: the file would take about ${formatBytes(predicted.file_bytes)} (up to ${formatBytes(room)}; ${cost}), ` +
        `and ${formatBytes(figures.free_disk_bytes)} are free on that disk; name another folder or use force`,
      figures,
    );
  }
  return null;
}

module.exports = { MOST_OF_HEAP_LIMIT, preflight, refusal, remember };
