'use strict';

// What the kernel counts for the container (the control group) that this process is in; not in worker threads.

const fs = require('node:fs');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const { now } = require('../clock.cjs');
const { hierarchies, readText, tightestGroup } = require('../snapshot/cgroup.cjs');

// Six files of the kernel, 10 to 20 µs each; the figures themselves do not change faster in earnest.
const MIN_AGE_MS = 1000;
// Which group counts changes only when somebody sets a limit.
const GROUP_AGE_MS = 60_000;

/** By version: file of what is used, keys of memory.stat, and `[metric, file, key]` of the counters of events. */
const FILES = Object.freeze({
  1: {
    current: 'memory.usage_in_bytes',
    inactive: 'total_inactive_file',
    stat: { container_anon_bytes: 'total_rss', container_file_bytes: 'total_cache' },
    events: [['container_oom_kill_total', 'memory.oom_control', 'oom_kill'], ['container_max_total', 'memory.failcnt', null]],
    values: [['container_sock_bytes', 'memory.kmem.tcp.usage_in_bytes']],
  },
  2: {
    current: 'memory.current',
    inactive: 'inactive_file',
    stat: {
      container_anon_bytes: 'anon', container_file_bytes: 'file', container_sock_bytes: 'sock', container_slab_bytes: 'slab',
    },
    events: ['oom', 'oom_kill', 'high', 'max'].map((key) => [`container_${key}_total`, 'memory.events', key]),
    values: [],
  },
});

const METRICS = [
  'container_limit_bytes', 'container_used_bytes', 'container_working_set_bytes', ...Object.keys(FILES[2].stat),
  ...FILES[2].events.map(([metric]) => metric), 'memory_pressure_some_avg10', 'memory_pressure_full_avg10',
];

/** The number after a key at the beginning of a line, or NaN. */
function numberOf(text, key) {
  const at = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  return at === 0 && !text.startsWith(`${key} `) ? NaN : Number.parseInt(text.slice(at + key.length + 1, at + key.length + 24), 10);
}

/** The group whose figures count: the one with the least room, or without limits our own. */
function groupOf(root) {
  const tightest = tightestGroup(root);
  if (tightest) return tightest;
  const { memory } = hierarchies(root);
  const own = memory.find(({ version, folder }) => fs.existsSync(path.join(folder, FILES[version].current)));
  // The root of the whole machine is no container. (v2 has no figures there; v1 has this file only there.)
  return !own || fs.existsSync(path.join(own.folder, 'release_agent')) ? null : own;
}

/** Figures of one group; what the kernel does not say is absent. */
function readGroup({ version, folder, limitBytes }) {
  const files = FILES[version];
  const figures = {};
  const set = (metric, value) => { if (Number.isFinite(value)) figures[metric] = value; };
  const text = (name) => readText(path.join(folder, name)) ?? '';
  const used = Number.parseInt(text(files.current), 10);
  const stat = text('memory.stat');
  set('container_limit_bytes', limitBytes);
  set('container_used_bytes', used);
  set('container_working_set_bytes', Math.max(0, used - (numberOf(stat, files.inactive) || 0)));
  for (const [metric, key] of Object.entries(files.stat)) set(metric, numberOf(stat, key));
  for (const [metric, name] of files.values) set(metric, Number.parseInt(text(name), 10));
  let last = [null, ''];
  for (const [metric, name, key] of files.events) {
    if (last[0] !== name) last = [name, text(name)];
    set(metric, key === null ? Number.parseInt(last[1], 10) : numberOf(last[1], key));
  }
  return figures;
}

/** Pressure on memory, of our group if the kernel counts it there, else of the machine. */
function pressureFiles(root) {
  const groups = hierarchies(root).unified.map((folder) => path.join(folder, 'memory.pressure'));
  return [...groups, path.join(root, 'proc/pressure/memory')].filter((file) => fs.existsSync(file));
}

function readPressure(file) {
  const figures = {};
  for (const [, share, value] of (readText(file) ?? '').matchAll(/^(some|full) avg10=([\d.]+)/gm)) {
    figures[`memory_pressure_${share}_avg10`] = Number(value);
  }
  return figures;
}

/** Memory of the container: limit, use by kind, out-of-memory events, pressure. */
function open({ root = '/', minAgeMs = MIN_AGE_MS } = {}) {
  const isThere = isMainThread && (root !== '/' || process.platform === 'linux');
  let group = null;
  let pressure = null;
  let lookedAt = -Infinity;
  let figures = {};
  let readAt = -Infinity;
  return {
    read(sample) {
      if (!isThere) return;
      const at = now();
      if (at - lookedAt >= GROUP_AGE_MS) {
        lookedAt = at;
        group = groupOf(root);
        [pressure] = pressureFiles(root);
      }
      if (at - readAt >= minAgeMs) {
        readAt = at;
        figures = { ...(group && readGroup(group)), ...(pressure && readPressure(pressure)) };
      }
      Object.assign(sample, figures);
    },
    close() {},
  };
}

module.exports = { name: 'container', metrics: METRICS, open };
