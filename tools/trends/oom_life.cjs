'use strict'

// Leaks at a set rate until V8 gives up, and writes the heap after each major collection to standard output.
// Options as JSON: megabytes to begin with, bytes leaked and thrown away per tick, milliseconds of rest between ticks,
// what leaks. The clock is the number of ticks, as work is the clock of a service: what else the machine does has no part.

const fs = require('node:fs')
const v8 = require('node:v8')
const { PerformanceObserver, constants } = require('node:perf_hooks')

const options = JSON.parse(process.argv[2])
let seed = options.seed
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647

const KINDS = {
  array: (kept, bytes) => { for (let got = 0; got < bytes; got += 120) kept.push({ id: kept.length, at: random(), text: 'x' + got, next: null }) },
  map: (kept, bytes) => { for (let got = 0; got < bytes; got += 170) kept.push(new Map([[kept.length, { at: random() }]])) },
  closure: (kept, bytes) => { for (let got = 0; got < bytes; got += 150) { const own = [got, random(), kept.length]; kept.push(() => own) } },
  string: (kept, bytes) => { for (let got = 0; got < bytes; got += 1100) kept.push(String(random()).padEnd(1000, 'ab').split('').join('')) },
  numbers: (kept, bytes) => { kept.push(Array.from({ length: Math.ceil(bytes / 8) }, random)) },
}

const say = (row) => fs.writeSync(1, JSON.stringify(row) + '\n')

new PerformanceObserver((list) => {
  const heap = process.memoryUsage().heapUsed
  for (const entry of list.getEntries()) {
    if ((entry.detail?.kind ?? entry.kind) === constants.NODE_PERFORMANCE_GC_MAJOR) say([ticks, heap])
  }
}).observe({ entryTypes: ['gc'] })

const base = []
KINDS.array(base, options.base_mb * 1e6)
const kept = []
let ticks = 0
say({ limit: v8.getHeapStatistics().heap_size_limit, node: process.versions.node })

function tick() {
  KINDS[options.kind](kept, options.leak_per_tick * (1 + options.jitter * (2 * random() - 1)))
  KINDS.array([], options.garbage_per_tick)
  if (++ticks % 10 === 0) say(ticks)
  if (options.rest_ms) setTimeout(tick, options.rest_ms)
  else setImmediate(tick)
}
tick()
