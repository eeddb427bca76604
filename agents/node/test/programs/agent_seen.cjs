'use strict';
console.log(globalThis[Symbol.for('heapsleuth.agent')] ? 'agent' : 'no agent');
