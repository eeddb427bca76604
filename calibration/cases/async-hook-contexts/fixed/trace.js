'use strict';
const async_hooks = require('async_hooks');

// asyncId -> what the request looked like when the resource was made
const contexts = new Map();
let current = null;

const hook = async_hooks.createHook({
  init(asyncId, type, triggerId) {
    const parent = contexts.get(triggerId) || current;
    if (parent) contexts.set(asyncId, parent);
  },
  destroy(asyncId) {
    contexts.delete(asyncId);
  },
});
hook.enable();

exports.run = (request, fn) => {
  const before = current;
  current = { request, spans: [] };
  contexts.set(async_hooks.executionAsyncId(), current);
  try { return fn(); } finally { current = before; contexts.delete(async_hooks.executionAsyncId()); }
};
exports.current = () => contexts.get(async_hooks.executionAsyncId()) || null;
exports.size = () => contexts.size;
