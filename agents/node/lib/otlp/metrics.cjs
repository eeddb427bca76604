'use strict';

// What is exported, by the names, units, instruments and attributes of OpenTelemetry's semantic conventions
// (nodejs.*, v8js.*, process.*), and ours under heapsleuth.*. One function reads one group.

const os = require('node:os');
const v8 = require('node:v8');
const { isMainThread } = require('node:worker_threads');
const { performance } = require('node:perf_hooks');

const { ownValues } = require('../metrics/own.cjs');
const { diskBytes, processStatus } = require('../metrics/proc.cjs');

// The instrumentation of OpenTelemetry for Node.js has these.
const GC_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const US_PER_S = 1e6;
const MS_PER_S = 1000;
const NS_PER_S = 1e9;
// As the instrumentation has it: fewer say nothing.
const MIN_DELAYS = 5;

const DELAYS = [
  ['min', 'minimum', (delays) => delays.min],
  ['max', 'maximum', (delays) => delays.max],
  ['mean', 'mean', (delays) => delays.mean],
  ['stddev', 'standard deviation', (delays) => delays.stddev],
  ['p50', '50 percentile', (delays) => delays.percentile(50)],
  ['p90', '90 percentile', (delays) => delays.percentile(90)],
  ['p99', '99 percentile', (delays) => delays.percentile(99)],
];

const SPACES = [
  ['space.size', 'space_size', 'Total heap memory size pre-allocated.'],
  ['used', 'space_used_size', 'Heap memory size allocated.'],
  ['space.available_size', 'space_available_size', 'Heap space available size.'],
  ['space.physical_size', 'physical_space_size', 'Committed size of a heap space.'],
];

const metric = (kind, name, unit, description, points) => ({ kind, name, unit, description, points });
const split = (key, values) => Object.entries(values).map(([name, value]) => ({ attributes: { [key]: name }, value }));

/** `state.delays` is the loop's histogram, begun anew with every export. */
function eventLoop(state) {
  const metrics = [];
  const { delays } = state;
  if (delays.count >= MIN_DELAYS) {
    for (const [name, text, read] of DELAYS) {
      metrics.push(metric('gauge', `nodejs.eventloop.delay.${name}`, 's', `Event loop ${text} delay.`, [
        { value: read(delays) / NS_PER_S },
      ]));
    }
    delays.reset();
  }
  const latest = performance.eventLoopUtilization();
  const { utilization } = performance.eventLoopUtilization(latest, state.lastLoop);
  state.lastLoop = latest;
  return [
    ...metrics,
    metric('gauge', 'nodejs.eventloop.utilization', '1', 'Event loop utilization.', [{ value: utilization }]),
    metric('counter', 'nodejs.eventloop.time', 's', 'Time the event loop has been in each state.',
      split('nodejs.eventloop.state', { active: latest.active / MS_PER_S, idle: latest.idle / MS_PER_S })),
  ];
}

function collections({ collections: durations }) {
  const points = Array.from(durations.byKind, ([kind, { counts, sum, min, max }]) => ({
    attributes: { 'v8js.gc.type': kind }, counts, sum, min, max, bounds: durations.bounds,
  }));
  return [metric('histogram', 'v8js.gc.duration', 's', 'Garbage collection duration.',
    points.filter(({ counts }) => counts.some((count) => count > 0)))];
}

function heap() {
  const spaces = v8.getHeapSpaceStatistics();
  return SPACES.map(([name, field, text]) => metric('updown',
    `v8js.memory.heap.${name}`, 'By', text,
    spaces.map((space) => ({ attributes: { 'v8js.heap.space.name': space.space_name }, value: space[field] }))));
}

/** A type that was there once is reported as 0 from then on, so that its line does not simply stop. */
function resources(state) {
  const counts = state.active('resources');
  for (const type of counts.keys()) state.resourceTypes.add(type);
  const points = Array.from(state.resourceTypes, (type) => ({
    attributes: { 'v8js.resource.type': type }, value: counts.get(type) ?? 0,
  }));
  return [metric('gauge', 'v8js.resource.active', '{resource}', 'Active resources that keep the event loop alive.', points)];
}

/** Only the main thread speaks for the process. */
function processMetrics(state) {
  if (!isMainThread) return [];
  const usage = process.resourceUsage();
  const cpu = { user: usage.userCPUTime / US_PER_S, system: usage.systemCPUTime / US_PER_S };
  const uptime = process.uptime();
  const share = (mode) => (cpu[mode] - state.lastCpu[mode]) / Math.max(uptime - state.lastCpu.uptime, 1e-3)
    / (os.availableParallelism?.() ?? os.cpus().length);
  const utilization = { user: share('user'), system: share('system') };
  state.lastCpu = { ...cpu, uptime };
  const status = processStatus();
  const [files, disk] = [state.openFiles(), diskBytes()];
  return [
    metric('counter', 'process.cpu.time', 's', 'Total CPU seconds by mode.', split('cpu.mode', cpu)),
    metric('gauge', 'process.cpu.utilization', '1', 'CPU time since the last export, over elapsed time and CPUs.',
      split('cpu.mode', utilization)),
    metric('updown', 'process.memory.usage', 'By', 'The amount of physical memory in use.', [
      { value: process.memoryUsage.rss() },
    ]),
    ...(status ? [
      metric('updown', 'process.memory.virtual', 'By', 'The amount of committed virtual memory.', [{ value: status.vmBytes }]),
      metric('updown', 'process.thread.count', '{thread}', 'Process threads count.', [{ value: status.threads }]),
    ] : []),
    ...(files === null ? [] : [
      metric('updown', 'process.unix.file_descriptor.count', '{file_descriptor}',
        'Number of unix file descriptors in use by the process.', [{ value: files }]),
    ]),
    ...(disk === null ? [] : [
      metric('counter', 'process.disk.io', 'By', 'Disk bytes transferred.',
        split('disk.io.direction', { read: disk.readBytes, write: disk.writtenBytes })),
    ]),
    metric('counter', 'process.context_switches', '{context_switch}', 'Number of times the process has been context switched.',
      split('process.context_switch.type', {
        voluntary: usage.voluntaryContextSwitches, involuntary: usage.involuntaryContextSwitches,
      })),
    metric('counter', 'process.paging.faults', '{fault}', 'Number of page faults the process has made.',
      split('system.paging.fault.type', { major: usage.majorPageFault, minor: usage.minorPageFault })),
    metric('gauge', 'process.uptime', 's', 'The time the process has been running.', [{ value: uptime }]),
  ];
}

const OWN_UNITS = { bytes: 'By', seconds: 's', '': '1' };

function own({ samples }) {
  return ownValues(samples.read()).map(({ name, unit, kind, help, value }) => (
    metric(kind, `heapsleuth.${name}`, OWN_UNITS[unit], help, [{ value }])
  ));
}

const GROUPS = Object.freeze([eventLoop, collections, heap, resources, processMetrics, own]);

/** All metrics now, those without a point left out. A group that fails is left out and counted. */
function readMetrics(state) {
  return GROUPS.flatMap((group) => state.guard.run(group, state) ?? [])
    .filter(({ points }) => points.length > 0);
}

module.exports = { GC_BOUNDS_S, readMetrics };
