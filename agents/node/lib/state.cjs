'use strict';

// One agent per thread, also when the injected copy and an installed one are both loaded; hence a
// registered symbol on the global object and not a variable of this module.
const kAgent = Symbol.for('heapsleuth.agent');

function current() {
  return globalThis[kAgent] || null;
}

function setCurrent(agent) {
  Object.defineProperty(globalThis, kAgent, {
    value: agent, configurable: true, enumerable: false, writable: true,
  });
}

module.exports = { current, setCurrent };
