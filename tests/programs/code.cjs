'use strict';
// Code that is compiled again and again, and functions that only look like it: three snapshots, with
// WORK operations between them. Lines that tests look for end in a marker.
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');

const out = process.argv[2];
const WORK = 60;
const plugin = path.join(out, 'plugin.cjs');
fs.writeFileSync(plugin, 'exports.Plugin = class Plugin {};');

// --- leaks
const filters = []; // @filters
const rules = new Set(); // @rules
const scripts = []; // @scripts
const contexts = []; // @contexts
const templateCache = new Map(); // @templateCache

// --- look-alikes
const hooks = []; // @hooks
const recent = [];
const validators = [];

function operation(i) {
  filters.push(new Function('row', `return row.x > ${i}`));
  rules.add({ id: i, test: (0, eval)(`(function rule(row) { return row.y === ${i}; })`) });
  scripts.push(new vm.Script(`1 + ${i}`));
  if (i % 4 === 0) contexts.push(vm.createContext({ i }));
  templateCache.set(`template ${i}`, vm.runInThisContext(`(function render(o) { return o.z + ${i}; })`));
  delete require.cache[plugin];
  require(plugin);

  hooks.push(() => i);
  recent.push(new Function(`return ${i} + 1`)); if (recent.length > 20) recent.shift();
  if (i < 20) validators.push(new Function(`return ${i} + 2`));
}

let done = 0;
async function round(name) {
  for (let i = 0; i < WORK; i++) operation(done++);
  for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((resolve) => { setImmediate(resolve); }); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
(async () => { await round('A'); await round('B'); await round('C'); process.exit(0); })();
