'use strict';

// What was begun on behalf of the program beside the agent (listeners, exporters), so that `stop` finds it.
const begun = new Map();

/** What was begun under that name, or what `begin` returns now; it has `close()`. */
function once(name, begin) {
  let one = begun.get(name);
  if (!one) {
    one = begin();
    begun.set(name, one);
  }
  return one;
}

function remove(name) {
  begun.delete(name);
}

/** Closes everything; says whether there was something. */
function endAll() {
  const all = [...begun.values()];
  begun.clear();
  for (const one of all) one.close();
  return all.length > 0;
}

module.exports = { endAll, once, remove };
