'use strict';

const v8 = require('node:v8');

// A promise in so many is followed; all would be too dear, and what leaks is many.
const ONE_IN = 64;
const MAX_FOLLOWED = 20_000;

const kFollowed = Symbol('heapsleuth.followed');

/**
 * Promises that are pending and still reachable. Only when asked for (option `promises`): V8 then calls back for
 * every promise made and settled; see the benchmark. An estimate, from one promise in 64.
 */
function open({ options }) {
  if (!options?.promises || !v8.promiseHooks) return { read() {}, close() {} };
  // Weak, so that watching a promise does not keep it; one that was dropped unsettled is no leak.
  const followed = new Map();
  let made = 0;
  let nextId = 0;
  const stop = v8.promiseHooks.createHook({
    init(promise) {
      made += 1;
      if (made % ONE_IN !== 0 || followed.size >= MAX_FOLLOWED) return;
      nextId += 1;
      promise[kFollowed] = nextId;
      followed.set(nextId, new WeakRef(promise));
    },
    settled(promise) {
      const id = promise[kFollowed];
      if (id !== undefined) followed.delete(id);
    },
  });
  return {
    read(sample) {
      for (const [id, ref] of followed) if (ref.deref() === undefined) followed.delete(id);
      sample.promises_pending = followed.size * ONE_IN;
    },
    close() {
      stop();
      followed.clear();
    },
  };
}

module.exports = { name: 'promises', metrics: ['promises_pending'], needsHistory: true, isOptional: true, open };
