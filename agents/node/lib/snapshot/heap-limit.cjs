'use strict';

// How near the heap is to its limit. V8's `heap_size_limit` includes room for the young generation, which
// cannot be used for what stays: with --max-old-space-size=256 it says 304 MB (Node 18 to 22), 448 (24) or
// 352 (26), and the process dies at 256. So both are counted without the young generation.

const v8 = require('node:v8');
const { isMainThread, resourceLimits } = require('node:worker_threads');

const MIB = 2 ** 20;

// Measured with limits from 32 MB to 16 GB.
const YOUNG_MIB_BY_VERSION = [[26, 96], [24, 192], [18, 48]];

function youngBytes() {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  const given = [...flags.matchAll(/--max[-_]semi[-_]space[-_]size[= ](\d+)/g)].pop();
  if (given) return 3 * Number(given[1]) * MIB;
  const major = Number.parseInt(process.versions.node, 10);
  return (YOUNG_MIB_BY_VERSION.find(([since]) => major >= since) ?? [0, 48])[1] * MIB;
}

/**
 * `{usedBytes, limitBytes}` of the old generation. Used is what objects take and half of the free room between
 * them: V8 counts whole pages against the limit, of which new objects fill some but not all (with arrays of
 * 32 kB, Node 20 died at 134 MB of objects in 150).
 */
function oldGeneration() {
  const spaces = v8.getHeapSpaceStatistics().filter(({ space_name: name }) => name !== 'new_space');
  const sum = (field) => spaces.reduce((all, space) => all + space[field], 0);
  const objects = sum('space_used_size');
  const limit = v8.getHeapStatistics().heap_size_limit;
  const ofWorker = isMainThread ? 0 : (resourceLimits.maxOldGenerationSizeMb ?? 0) * MIB;
  return {
    usedBytes: objects + Math.max(0, sum('space_size') - objects) / 2,
    limitBytes: ofWorker || Math.max(limit - youngBytes(), limit / 2),
  };
}

module.exports = { oldGeneration };
