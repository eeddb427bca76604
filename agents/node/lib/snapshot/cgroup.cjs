'use strict';

// The memory limit of the container this process is in, and what is used of it: cgroup v1, v2 and hybrid.
// A limit applies to everything below it, so every group from ours up to the mount is looked at, and the
// one with the least room counts. Inside a container the path of /proc/self/cgroup is often that of the
// host and not visible; then the root of the mount is the container's own group.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const V2 = { limit: 'memory.max', current: 'memory.current', inactive: 'inactive_file' };
const V1 = { limit: 'memory.limit_in_bytes', current: 'memory.usage_in_bytes', inactive: 'total_inactive_file' };

function readText(file) {
  try {
    return fs.readFileSync(file, 'latin1').trim();
  } catch {
    return null;
  }
}

/** `[{version, folder}]`: our groups from the innermost outwards, of the hierarchy that controls memory. */
function groups(root) {
  const lines = (readText(path.join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'));
  const v1 = lines.find((parts) => parts.length > 2 && parts[1].split(',').includes('memory'));
  const v2 = lines.find((parts) => parts.length > 2 && parts[0] === '0');
  const mounts = [];
  // Hybrid: v2 is mounted too, but without the memory controller, which v1 then names.
  if (v1) mounts.push([1, path.join(root, 'sys/fs/cgroup/memory'), v1.slice(2).join(':')]);
  else if (v2) mounts.push([2, path.join(root, 'sys/fs/cgroup'), v2.slice(2).join(':')]);
  const found = [];
  for (const [version, mount, group] of mounts) {
    let folder = path.join(mount, group);
    while (folder.startsWith(mount)) {
      found.push({ version, folder });
      folder = path.dirname(folder);
    }
  }
  return found;
}

function inactiveBytes(folder, key) {
  const line = (readText(path.join(folder, 'memory.stat')) ?? '').split('\n').find((one) => one.startsWith(`${key} `));
  return line ? Number(line.split(' ')[1]) : 0;
}

/**
 * `{version, limitBytes, usedBytes, freeBytes}` of the tightest group, or null where nothing limits memory.
 * Used is the working set: what the kernel could drop at once (inactive file pages) does not count.
 */
function cgroupMemory(root = '/') {
  if (root === '/' && process.platform !== 'linux') return null;
  let tightest = null;
  for (const { version, folder } of groups(root)) {
    const keys = version === 2 ? V2 : V1;
    const limit = Number(readText(path.join(folder, keys.limit)) ?? NaN);
    // "max" is NaN; v1 says 9223372036854771712; anything above the machine's memory is no limit either.
    if (!(limit > 0 && limit < os.totalmem())) continue;
    const current = Number(readText(path.join(folder, keys.current)) ?? NaN);
    if (!Number.isFinite(current)) continue;
    const used = Math.max(0, current - inactiveBytes(folder, keys.inactive));
    if (tightest && limit - used >= tightest.freeBytes) continue;
    tightest = { version, limitBytes: limit, usedBytes: used, freeBytes: Math.max(0, limit - used) };
  }
  return tightest;
}

module.exports = { cgroupMemory };
