'use strict';

// A snapshot when the heap comes near its limit, while there is still room to take one.

const { after, cancel, soon } = require('../clock.cjs');
const { oldGeneration } = require('./heap-limit.cjs');
const { lastTakenMs } = require('./lock.cjs');

const THRESHOLD = 0.85;
const COOLDOWN_MS = 300_000;
// Near the limit V8 may not collect again before it gives up, so its collections alone do not tell in time.
const LOOK_EVERY_MS = 1000;

/**
 * Watch the heap for an agent, by a timer that keeps nothing alive. Returns `{check(usedBytes), stop()}`; `check`
 * may be called in between, with the old generation's use after a major GC. It says whether it asked for a
 * snapshot.
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
    const heap = oldGeneration();
    if ((usedBytes ?? heap.usedBytes) < heap.limitBytes * snapshotThreshold) return false;
    const sinceMs = Date.now() - Math.max(lastTry, lastTakenMs(service));
    if (sinceMs >= 0 && sinceMs < snapshotCooldownMs) return false;
    lastTry = Date.now();
    // Later, because GC observers are called in the middle of the application's own work.
    soon(() => state.snapshotFor('threshold'));
    return true;
  }

  let timer = null;
  function look() {
    timer = after(LOOK_EVERY_MS, look);
    check();
  }
  if (snapshotThreshold > 0) timer = after(LOOK_EVERY_MS, look);

  return {
    check,
    stop() {
      cancel(timer);
    },
  };
}

module.exports = { COOLDOWN_MS, THRESHOLD, watchThreshold };
