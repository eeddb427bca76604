'use strict';
// The classic leak through shared scopes, in the form named by the second argument: three snapshots, with
// WORK operations between them.
const v8 = require('node:v8');
const path = require('node:path');

const out = process.argv[2];
const WORK = 300;
const use = (value) => value;

let theThing = null; // @theThing
function replaceThing() {
  const originalThing = theThing;
  const unused = function () { if (originalThing) use(unused); };
  theThing = { text: `thing ${Math.random()}`, someMethod() { return 'nothing'; } }; // @someMethod
}

class Snapshot {
  constructor(previous) { this.text = 'snapshot'; this.undo = () => use(previous); } // @undo
}
const editor = { current: new Snapshot(null) }; // @editor

let step = () => 0; // @step
function addStep(i) {
  const before = step;
  step = () => before() + i; // @adds
}

// --- innocents: nothing older stays
let latest = null;
function replaceLatest() {
  const id = latest ? latest.id : 0;
  latest = { id: id + 1, next: () => id };
}
let report = { parts: [] };
function replaceReport(i) {
  const old = report;
  report = { parts: [old.parts.length, i], show: () => i };
}

const forms = {
  shared: replaceThing,
  undo: () => { editor.current = new Snapshot(editor.current); }, // @undone
  steps: addStep,
  innocent: (i) => { replaceLatest(); replaceReport(i); },
};
const operation = forms[process.argv[3]];

let done = 0;
async function round(name) {
  for (let i = 0; i < WORK; i++) operation(done++);
  for (let i = 0; i < 4; i++) { global.gc?.(); await new Promise((r) => setImmediate(r)); }
  v8.writeHeapSnapshot(path.join(out, `${name}.heapsnapshot`));
}
(async () => {
  await round('A'); await round('B'); await round('C');
  global.__keep = { editor, step, latest, report };
  process.exit(0);
})();
