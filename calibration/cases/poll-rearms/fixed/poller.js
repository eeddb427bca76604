'use strict';

function watch(order, onChange) {
  const state = { order, seen: null, polls: 0 };
  (function poll() {
    state.polls++;
    const status = order.status();
    if (status !== state.seen) {
      state.seen = status;
      onChange(status);
    }
    if (status === 'delivered') return;
    setTimeout(poll, 1000).unref();
  })();
}

module.exports = { watch };
