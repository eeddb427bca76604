'use strict';

// The default metrics of prom-client 15: its names, types, labels and buckets, so that dashboards made for
// it work. Where its values mislead (all of a collection's entries but the first are lost there; the loop's
// lag includes the timer's own 10 ms) the right ones are among ours, except for the collections, which
// are simply all counted.

const v8 = require('node:v8');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const { activeCounts } = require('./active.cjs');
const { frugal } = require('./frugal.cjs');
const { GcDurations } = require('./gc-durations.cjs');
const { openFiles, openFilesLimit, processStatus } = require('./proc.cjs');
const { histogramSamples } = require('./text.cjs');
const { now, soon } = require('../clock.cjs');

const GC_BOUNDS_S = [0.001, 0.01, 0.1, 1, 2, 5];
const LAG_RESOLUTION_MS = 10;
const NS_PER_S = 1e9;
const US_PER_S = 1e6;
const MS_PER_S = 1000;

const LAGS = [
  ['min', 'least', (delays) => delays.min],
  ['max', 'largest', (delays) => delays.max],
  ['mean', 'mean', (delays) => delays.mean],
  ['stddev', 'standard deviation', (delays) => delays.stddev],
  ['p50', '50th percentile', (delays) => delays.percentile(50)],
  ['p90', '90th percentile', (delays) => delays.percentile(90)],
  ['p99', '99th percentile', (delays) => delays.percentile(99)],
];

const SPACES = [
  ['total', 'size', 'space_size'],
  ['used', 'part in use', 'space_used_size'],
  ['available', 'part available', 'space_available_size'],
];

const one = (value) => (value === null || !Number.isFinite(value) ? [] : [{ value }]);
const gauge = (name, help, samples) => ({ name, type: 'gauge', help, samples });
const counter = (name, help, value) => ({ name, type: 'counter', help, samples: [{ value }] });

const byType = (counts) => Array.from(counts, ([type, value]) => ({ labels: { type }, value }));
const sum = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);

function processFamilies({ files, limit }) {
  const { user, system } = process.cpuUsage();
  const status = processStatus();
  return [
    counter('process_cpu_user_seconds_total', 'User CPU time in seconds.', user / US_PER_S),
    counter('process_cpu_system_seconds_total', 'System CPU time in seconds.', system / US_PER_S),
    counter('process_cpu_seconds_total', 'User and system CPU time in seconds.', (user + system) / US_PER_S),
    gauge('process_start_time_seconds', 'Start of the process, in seconds since the Unix epoch.',
      one(Math.round(Date.now() / MS_PER_S - process.uptime()))),
    gauge('process_resident_memory_bytes', 'Resident memory in bytes.',
      one(status ? status.rssBytes : process.memoryUsage.rss())),
    ...(status ? [
      gauge('process_virtual_memory_bytes', 'Virtual memory in bytes.', one(status.vmBytes)),
      gauge('process_heap_bytes', 'Data segment of the process in bytes; not the JavaScript heap.', one(status.dataBytes)),
      gauge('process_open_fds', 'Open file descriptors.', one(files)),
      gauge('process_max_fds', 'Most file descriptors there may be.', one(limit)),
    ] : []),
  ];
}

function heapFamilies() {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  const spaces = v8.getHeapSpaceStatistics();
  return [
    gauge('nodejs_heap_size_total_bytes', 'Size of the heap in bytes.', one(heapTotal)),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use in bytes, garbage included.', one(heapUsed)),
    gauge('nodejs_external_memory_bytes', 'Memory outside the heap that its objects hold, in bytes.', one(external)),
    ...SPACES.map(([part, text, field]) => gauge(
      `nodejs_heap_space_size_${part}_bytes`,
      `Heap spaces: ${text} in bytes.`,
      spaces.map((space) => ({ labels: { space: space.space_name.replace(/_space$/, '') }, value: space[field] })),
    )),
  ];
}

function versionFamily() {
  const version = process.version;
  const [major, minor, patch] = version.slice(1).split('.').map((part) => Number.parseInt(part, 10));
  return gauge('nodejs_version_info', 'Version of Node.js.', [{ labels: { version, major, minor, patch }, value: 1 }]);
}

/** How long a turn of the loop takes now, in seconds. */
function currentLag() {
  const begun = now();
  return new Promise((resolve) => { soon(() => resolve((now() - begun) / MS_PER_S)); });
}

class DefaultMetrics {
  #active = activeCounts();
  #delays = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  #collections;
  #openFiles = frugal(openFiles);
  #maxFiles = openFilesLimit();

  constructor(guard, gcBounds = GC_BOUNDS_S) {
    this.#delays.enable();
    this.#collections = new GcDurations(guard, gcBounds);
  }

  async families() {
    const lag = await currentLag();
    return [
      ...processFamilies({ files: this.#openFiles(), limit: this.#maxFiles }),
      gauge('nodejs_eventloop_lag_seconds', 'Lag of the event loop just now, in seconds.', one(lag)),
      ...this.#lagFamilies(),
      ...this.#activeFamilies(),
      ...heapFamilies(),
      versionFamily(),
      this.#gcFamily(),
    ];
  }

  close() {
    this.#delays.disable();
    this.#collections.close();
  }

  #lagFamilies() {
    const any = this.#delays.count > 0;
    const families = LAGS.map(([name, text, read]) => gauge(
      `nodejs_eventloop_lag_${name}_seconds`,
      `The ${text} of the time between turns of a ${LAG_RESOLUTION_MS} ms timer since the last scrape.`,
      any ? one(read(this.#delays) / NS_PER_S) : [],
    ));
    this.#delays.reset();
    return families;
  }

  #activeFamilies() {
    return Object.entries({ resources: 'resources', handles: 'libuv handles', requests: 'libuv requests' })
      .flatMap(([list, text]) => {
        const counts = this.#active(list);
        return [
          gauge(`nodejs_active_${list}`, `Active ${text} by type.`, byType(counts)),
          gauge(`nodejs_active_${list}_total`, `Active ${text}.`, one(sum(counts))),
        ];
      });
  }

  #gcFamily() {
    const { bounds } = this.#collections;
    return {
      name: 'nodejs_gc_duration_seconds',
      type: 'histogram',
      help: 'Garbage collections by kind: major, minor, incremental or weakcb.',
      samples: [...this.#collections.byKind].flatMap(([kind, durations]) => (
        histogramSamples({ bounds, ...durations, labels: { kind } })
      )),
    };
  }
}

module.exports = { DefaultMetrics, GC_BOUNDS_S };
