'use strict';

// V8's own last resort, armed from code: a snapshot when the heap reaches its limit. It then raises the
// limit for the time of writing, so it is armed only where memory allows that.

const v8 = require('node:v8');
const { preflight } = require('./preflight.cjs');
const { predict } = require('./predict.cjs');
const { SnapshotError, formatBytes } = require('./refusal.cjs');

let armed = false;

/**
 * Arm it; never throws. `{armed: true, folder, predicted}`: Node names the file, in `--diagnostic-dir` or the
 * current folder. `{armed: false, code, text, figures}`: code `unsupported`, or `memory` when a snapshot of a
 * full heap would not fit, unless forced. No GC is forced: the cost is scaled up from the heap as it is now,
 * and holds within a factor of 4.
 */
function armNearLimit({ count = 1, force = false } = {}) {
  try {
    return arm(count, force);
  } catch (error) {
    return { armed: false, code: error.code ?? 'failed', text: error.message, figures: error.figures ?? {} };
  }
}

function arm(count, force) {
  if (typeof v8.setHeapSnapshotNearHeapLimit !== 'function') {
    throw new SnapshotError('unsupported', `Node ${process.versions.node} cannot arm a near-limit snapshot from code`);
  }
  const folder = process.cwd();
  const figures = preflight({ folder });
  const scale = figures.heap_limit_bytes / figures.heap_used_bytes;
  const { ranges, ...predicted } = predict({
    ...figures.basis,
    used_bytes: figures.heap_limit_bytes,
    large_bytes: figures.basis.large_bytes * scale,
  });
  // What the heap itself will grow by until then is needed too.
  const needed = predicted.extra_bytes + figures.heap_limit_bytes - figures.heap_used_bytes;
  if (!force && needed > figures.free_memory_bytes) {
    throw new SnapshotError(
      'memory',
      `not armed: a full heap and its snapshot would need about ${formatBytes(needed)} more memory, and ` +
        `${formatBytes(figures.free_memory_bytes)} are free; lower --max-old-space-size, raise the limit, or use force`,
      { ...figures, predicted, ranges, needed_bytes: needed },
    );
  }
  // V8 has room for one such callback; more calls than one are ignored or an error, by version.
  if (!armed) v8.setHeapSnapshotNearHeapLimit(count);
  armed = true;
  return { armed, folder, predicted };
}

module.exports = { armNearLimit };
