'use strict';
// One of each sort of member, in a list under its name, for how findings call them.
const v8 = require('node:v8');
const vm = require('node:vm');

class Token { constructor(i) { this.text = `token ${i}`; } }
class ValidationError extends Error {}
function onTimeout() { return this; }
function* rows() { yield 1; }
async function* pages() { yield 1; }
const list = (make) => Array.from({ length: 5 }, (_, i) => make(i));

const users = list((i) => ({ id: i, user: `user ${i}`, at: i }));
const longer = { x: 1 };
longer.more = 'fields';

function handler(request) {
  return () => request; // @inside
}

global.__kinds = {
  smallIntegers: users,
  sharedList: [{ x: 1 }],
  longer: [longer],
  parsed: JSON.parse('[{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]'),
  manyFields: [{ identifier: '1', description: '2', timestamp: '3', organisation: '4', department: '5' }],
  named: [onTimeout],
  bound: [onTimeout.bind(users)],
  boundNameless: [(() => () => users)().bind(null)], // @bound
  inside: [handler({ user: 'a' })],
  generators: [rows()],
  asyncGenerators: [pages()],
  weak: [new WeakRef(users[0])],
  signals: [new AbortController().signal],
  targets: [new EventTarget()],
  proxies: [new Proxy(new Token(1), {})],
  errors: [new ValidationError('a'), Object.assign(new Error('b'), { name: 'Custom' }), new TypeError('c')],
  compiled: [new vm.Script('(function inScript() {})', { filename: 'rules.js' }).runInThisContext()],
  classes: [new Token(2)],
  values: [`text ${Date.now()}`, Symbol('s'), 10n ** 30n, /x/],
};
const dictionary = {};
for (let i = 0; i < 12; i++) dictionary[`key ${i}`] = 'value';
delete dictionary['key 3'];
global.__kinds.dictionary = [dictionary];
global.__keep = new Map();
{
  const record = {};
  record.retry = (() => () => users)(); // @given
  global.__kinds.given = [record.retry];
  global.__keep.set('record', record);
}
new Promise((resolve) => { global.__kinds.resolvers = [resolve]; });

v8.writeHeapSnapshot(process.argv[2]);
process.exit(0);
