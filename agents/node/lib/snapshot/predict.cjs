'use strict';

// What a snapshot will cost, from figures that are cheap to get.
//
// The cost follows the number of nodes, and bytes alone do not tell it: 15 MB are 50,000 nodes of long
// strings or 400,000 small objects. A full GC has to visit the same nodes, so the CPU time of a forced GC
// counts them: 55 ns each over 20 heap shapes and 5 versions of Node. Bytes bound the answer on both sides.
// Memory per node is 260 B, and more where objects hang in large tables (arrays, Maps, dictionaries of
// over 128 kB, which V8 keeps in spaces of their own): up to 1,350 B.
// Accuracy by shape and version: docs/guides/snapshots.md; snapshot-accuracy.cjs measures it again.

const NS_PER_NODE = 55;
const GC_BASE_MS = 5;
const TYPICAL_BYTES_PER_NODE = 48;
const SMALLEST_BYTES_PER_NODE = 36;

// What Node itself has in an empty program; the time per node and per byte of extra memory, and how many
// times that is when a debugger takes the snapshot.
const BY_VERSION = {
  18: { nodes: 39e3, bytes: 3.6e6, largeBytes: 0, usPerNode: 2.8, nsPerByte: 3.2, streaming: 3 },
  20: { nodes: 43e3, bytes: 3.1e6, largeBytes: 0.25e6, usPerNode: 2.5, nsPerByte: 1.3, streaming: 1.3 },
  22: { nodes: 57e3, bytes: 4.1e6, largeBytes: 0.25e6, usPerNode: 2.0, nsPerByte: 1.0, streaming: 1.3 },
  24: { nodes: 61e3, bytes: 4.5e6, largeBytes: 0.25e6, usPerNode: 1.2, nsPerByte: 2.0, streaming: 1.3 },
  26: { nodes: 63e3, bytes: 4.5e6, largeBytes: 0.15e6, usPerNode: 1.2, nsPerByte: 1.8, streaming: 1.3 },
};

const EXTRA_BASE_BYTES = 20e6;
const EXTRA_PER_NODE = 260;
const EXTRA_PER_LARGE_BYTE = 95;
const EXTRA_PER_NODE_MOST = 1350;
const FILE_PER_NODE = 76;

/** The row of a Node version; odd and unknown versions take the nearest older one. */
function costsOf(version) {
  const majors = Object.keys(BY_VERSION).map(Number);
  const major = Number.parseInt(version, 10);
  return BY_VERSION[Math.max(majors[0], ...majors.filter((one) => one <= major))];
}

/** Nodes beyond those of an empty program, from their bytes and the CPU time of a GC (null: not probed). */
function addedNodes(bytes, gcMs) {
  const most = bytes / SMALLEST_BYTES_PER_NODE;
  const usual = bytes / TYPICAL_BYTES_PER_NODE;
  if (gcMs === null) return usual;
  const counted = Math.min(most, (Math.max(gcMs - GC_BASE_MS, 0.5) * 1e6) / NS_PER_NODE);
  // Ordinary heaps differ little in bytes per node, less than GC times scatter: there both count half.
  // From 80 to 220 B per node the bytes lose their say, because such heaps are strings or numbers.
  const scatter = Math.log(220 / (bytes / counted)) / Math.log(220 / 80);
  const weight = 0.5 * Math.min(1, Math.max(0, scatter));
  return Math.exp((1 - weight) * Math.log(counted) + weight * Math.log(usual));
}

/**
 * `{nodes, pause_ms, pause_cpu_ms, extra_bytes, file_bytes, ranges}` of a snapshot taken now; `pause_ms` is
 * `pause_cpu_ms` on a machine as busy as this one is.
 *
 * `figures`: node (version), used_bytes and large_bytes (large-object spaces) after the GC, gc_cpu_ms (null
 * when no GC was forced), streamed (to a debugger instead of a file), slowdown (wall time over CPU time, at least 1), learned (factors of earlier
 * snapshots of this process, see `learn`).
 */
function predict(figures) {
  const costs = costsOf(figures.node);
  const learned = figures.learned ?? { nodes: 1, pause: 1, extra: 1, file: 1 };
  const bytes = Math.max(figures.used_bytes - costs.bytes, 1);
  const added = addedNodes(bytes, figures.gc_cpu_ms) * learned.nodes;
  const nodes = costs.nodes + added;
  const large = Math.max(0, figures.large_bytes - costs.largeBytes);
  const perNode = Math.min(EXTRA_PER_NODE_MOST, EXTRA_PER_NODE + (EXTRA_PER_LARGE_BYTE * large) / Math.max(added, 1));
  const extra = (EXTRA_BASE_BYTES + added * perNode) * learned.extra;
  const streaming = figures.streamed ? costs.streaming : 1;
  const cpuMs = ((nodes * costs.usPerNode) / 1e3 + (extra * costs.nsPerByte) / 1e6) * streaming * learned.pause;
  const pause = cpuMs * figures.slowdown;
  // Bytes that nodes of usual size do not explain are numbers (not in the file) or texts (in it, up to
  // 1,024 characters each): the middle of both.
  const unexplained = Math.max(0, bytes - added * TYPICAL_BYTES_PER_NODE);
  const fileLeast = nodes * FILE_PER_NODE * learned.file;
  const fileMost = fileLeast + unexplained;
  const file = Math.sqrt(fileLeast * fileMost);
  const doubt = figures.gc_cpu_ms === null ? 4 : 2;
  const mostNodes = costs.nodes + bytes / SMALLEST_BYTES_PER_NODE;
  return {
    nodes: Math.round(nodes),
    pause_ms: Math.round(pause),
    pause_cpu_ms: Math.round(cpuMs),
    // A debugger reads slower than this process writes, so the whole file waits in its memory.
    extra_bytes: Math.round(extra + (figures.streamed ? file : 0)),
    file_bytes: Math.round(file),
    ranges: {
      nodes: [nodes / doubt, Math.max(nodes, Math.min(mostNodes, nodes * doubt))].map(Math.round),
      pause_ms: [pause / doubt, pause * doubt].map(Math.round),
      extra_bytes: [extra / doubt, extra * 2].map(Math.round),
      file_bytes: [fileLeast / doubt, fileMost * 1.5].map(Math.round),
    },
  };
}

/** Factors that would have made a prediction right: what one snapshot teaches for the next of this process. */
function learn(figures, predicted, actual) {
  const before = figures.learned ?? { nodes: 1, pause: 1, extra: 1, file: 1 };
  const base = costsOf(figures.node).nodes;
  const factor = (was, got, said) =>
    got > 0 && said > 0 ? Math.min(4, Math.max(0.25, (was * got) / said)) : was;
  const nodes = factor(before.nodes, actual.nodes - base, predicted.nodes - base);
  // Pause, memory and file are multiples of the nodes, so only what the nodes do not explain is their own.
  const scale = (actual.nodes || predicted.nodes) / predicted.nodes;
  return {
    nodes,
    pause: factor(before.pause, actual.pause_cpu_ms, predicted.pause_cpu_ms * scale),
    extra: factor(before.extra, actual.extra_bytes, predicted.extra_bytes * scale),
    file: factor(before.file, actual.bytes, predicted.file_bytes * scale),
  };
}

module.exports = { learn, predict };
