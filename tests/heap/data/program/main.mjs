// Every shape in which a Node program holds on to things; tests look for the places marked by their text.
import { EventEmitter } from 'node:events';
import { writeHeapSnapshot } from 'node:v8';
import { fill } from './lib/store.mjs';
import './lib/repository.cjs';

const moduleMap = new Map(); const bus = new EventEmitter();
export const exportedMap = new Map();
const { nested: [destructured] } = { nested: [new Map()] };
class Item { constructor(i) { this.rows = [i]; } static pool = []; #secret = {}; tags = ['x']; }
class Plain { tags = ['y']; }
class Special extends Item { extra = []; }
function Old(i) { this.list = [i]; }
globalThis.keptGlobally = [new Item(1), new Plain(), new Special(2), new Old(3)];

function outer(seed) {
  const inner = new Map();
  return function middle(key) {
    const deep = [seed];
    const moduleMap = 'shadows the outer one';
    return () => { inner.set(key, deep); return moduleMap; };
  };
}
const kept = [outer(1)('k'), outer(2)('l'), fill, destructured];
bus.on('tick', function onTick() { return [moduleMap, exportedMap, kept]; });
const bound = bus.emit.bind(bus, 'tick'); kept.push(bound, onLate.bind(null, 1));
function onLate(n) { return n + kept.length; }

async function suspended(x) {
  const here = { x };
  await new Promise((resolve) => { kept.push(resolve); });
  return here;
}
suspended(1);
function* generator() { yield moduleMap; }
const running = generator(); running.next(); kept.push(running);
kept.push((0, eval)('(function evaluated() { return 1; })'), new Function('a', 'return a'));

const late = new Map(); kept.push(() => late); // declared after the 1,024 characters a snapshot has

setTimeout(() => { writeHeapSnapshot(process.argv[2]); process.exit(0); }, 20);
