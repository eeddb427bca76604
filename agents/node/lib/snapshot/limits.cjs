'use strict';

// What a snapshot has to fit into: the heap limit, the container's and the machine's memory, the disk.

const fs = require('node:fs');
const os = require('node:os');
const { cgroupMemory } = require('./cgroup.cjs');
const { oldGeneration } = require('./heap-limit.cjs');

/** Memory that can be had without swapping; MemAvailable, because MemFree leaves out the page cache. */
function machineFreeBytes() {
  try {
    const line = /^MemAvailable:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/meminfo', 'latin1'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // Not Linux, or /proc is hidden.
  }
  return os.freemem();
}

/** Bytes free for this user on the disk of a folder; null where the system does not say. */
function freeDiskBytes(folder) {
  try {
    const { bavail, bsize } = fs.statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Limits now, those of the heap without its young generation; `folder` is where the file would go, null if somebody else writes it. */
function readLimits(folder) {
  const heap = oldGeneration();
  const cgroup = cgroupMemory();
  const machineFree = machineFreeBytes();
  return {
    heap_limit_bytes: heap.limitBytes,
    heap_used_bytes: heap.usedBytes,
    cgroup_version: cgroup ? cgroup.version : null,
    cgroup_limit_bytes: cgroup ? cgroup.limitBytes : null,
    cgroup_used_bytes: cgroup ? cgroup.usedBytes : null,
    free_memory_bytes: cgroup ? Math.min(cgroup.freeBytes, machineFree) : machineFree,
    free_disk_bytes: folder === null ? null : freeDiskBytes(folder),
  };
}

module.exports = { freeDiskBytes, machineFreeBytes, readLimits };
