'use strict';

const { now } = require('../clock.cjs');

// Listing 5,000 sockets takes 1 to 2 ms. What took t is good for 200 t: half a percent of the time at most.
const GOOD_FOR = 200;

const typeOfObject = (one) => one?.constructor?.name || 'Object';

function countBy(list, typeOf) {
  const counts = new Map();
  for (const one of list) {
    const type = typeOf(one);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

/** List → how its counts by type are got. The last two are internals of Node, and may go. */
const LISTS = Object.freeze({
  resources: () => countBy(process.getActiveResourcesInfo(), (type) => type),
  handles: () => countBy(process._getActiveHandles?.() ?? [], typeOfObject),
  requests: () => countBy(process._getActiveRequests?.() ?? [], typeOfObject),
});

/** Returns a reader: list → Map of type → how many there are now, or were just now if that was dear. */
function activeCounts() {
  const known = new Map();
  return (list) => {
    const last = known.get(list);
    const begun = now();
    if (last && begun < last.until) return last.counts;
    const counts = LISTS[list]();
    const ended = now();
    known.set(list, { counts, until: ended + (ended - begun) * GOOD_FOR });
    return counts;
  };
}

module.exports = { LISTS, activeCounts };
