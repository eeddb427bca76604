'use strict';

const { frugal } = require('./frugal.cjs');

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
  const readers = new Map(Object.entries(LISTS).map(([list, read]) => [list, frugal(read)]));
  return (list) => readers.get(list)();
}

module.exports = { LISTS, activeCounts };
