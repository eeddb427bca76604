'use strict';
// Fills the heap with FILL_MB of numbers (few objects, so that snapshots stay quick), and goes on allocating.
const v8 = require('node:v8');
const kept = [];
const fill = () => {
  for (let i = 0; i < 20; i += 1) kept.push(new Array(2048).fill(kept.length + 0.5));
  if (v8.getHeapStatistics().used_heap_size < Number(process.env.FILL_MB) * 1e6) setImmediate(fill);
  else setInterval(() => { for (let i = 0; i < 50; i += 1) kept[i] = new Array(2048).fill(i + 0.5); }, 1);
};
fill();
