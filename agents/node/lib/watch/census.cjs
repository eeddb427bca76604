'use strict';

const { timersByCallback } = require('./timers.cjs');

const MAX_TYPES = 50;

function countBy(items, nameOf) {
  const counts = new Map();
  for (const item of items) {
    const name = nameOf(item);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_TYPES));
}

const constructorOf = (item) => String(item?.constructor?.name || 'Object').slice(0, 80);

/**
 * What there is in this thread, by type: the event `census`. Takes 1 to 2 ms with 10,000 handles, hence rarely.
 * The emitters among the handles are watched from then on.
 */
function takeCensus(emitters) {
  // Undocumented, and without a successor that gives the objects.
  const handles = process._getActiveHandles?.() ?? [];
  const requests = process._getActiveRequests?.() ?? [];
  const resources = countBy(process.getActiveResourcesInfo(), (name) => name);
  for (const handle of handles) if (isLongLived(handle)) emitters.add(handle);
  return {
    type: 'census',
    resources,
    handles: countBy(handles, constructorOf),
    requests: countBy(requests, constructorOf),
    listeners: emitters.census(),
    timers: { count: resources.Timeout ?? 0, by: timersByCallback() },
  };
}

/** Servers, child processes, watchers and sockets to elsewhere; what clients open is too much and too short. */
const isLongLived = (handle) => typeof handle?.on === 'function' && !handle.server;

module.exports = { takeCensus };
