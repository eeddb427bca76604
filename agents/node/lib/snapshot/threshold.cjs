'use strict';

// A snapshot when the heap comes near its limit, while there is still room to take one.

const { soon } = require('../clock.cjs');
const { oldGeneration } = require('./heap-limit.cjs');
const { lastTakenMs } = require('./lock.cjs');

const THRESHOLD = 0.85;
const COOLDOWN_MS = 300_000;

/**
 * Watch the heap for an agent. Returns `{check(usedBytes)}`, to be called with the old generation's use after a major GC,
 * or at any pace without: it then looks itself. `check` never throws and says whether a snapshot was asked for.
 *
 * `state`: `options` (snapshotThreshold: share of the heap limit, 0 is off; snapshotCooldownMs; service) and
 * `snapshotFor(reason)`, which takes a snapshot, reports how it went and never rejects. The cooldown counts per
 * host group, so that the workers of a cluster take turns, and from the last try, also a refused one.
 */
function watchThreshold(state) {
  const { snapshotThreshold = THRESHOLD, snapshotCooldownMs = COOLDOWN_MS, service } = state.options;
  let lastTry = 0;

  function check(usedBytes) {
    if (!(snapshotThreshold > 0)) return false;
    const heap = oldGeneration(usedBytes);
    if (heap.usedBytes < heap.limitBytes * snapshotThreshold) return false;
    const sinceMs = Date.now() - Math.max(lastTry, lastTakenMs(service));
    if (sinceMs >= 0 && sinceMs < snapshotCooldownMs) return false;
    lastTry = Date.now();
    // Later, because GC observers are called in the middle of the application's own work.
    soon(() => state.snapshotFor('threshold'));
    return true;
  }

  return { check };
}

module.exports = { COOLDOWN_MS, THRESHOLD, watchThreshold };
