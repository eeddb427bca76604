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

/** Our groups from the innermost outwards. */
function foldersOf(mount, group) {
  const folders = [];
  for (let folder = path.join(mount, group); folder.startsWith(mount); folder = path.dirname(folder)) folders.push(folder);
  return folders;
}

/**
 * `{memory: [{version, folder}], unified: [folder]}`: our groups, from the innermost outwards, of the hierarchy
 * that controls memory, and of v2 wherever it is mounted.
 */
function hierarchies(root) {
  const lines = (readText(path.join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'));
  const v1 = lines.find((parts) => parts.length > 2 && parts[1].split(',').includes('memory'));
  const v2 = lines.find((parts) => parts.length > 2 && parts[0] === '0');
  const at = (parts, ...names) => foldersOf(path.join(root, 'sys/fs/cgroup', ...names), parts.slice(2).join(':'));
  // Hybrid: v2 is mounted too, but without the memory controller, which v1 then names.
  const hybrid = v1 && v2 ? at(v2, 'unified') : [];
  if (v1) return { memory: at(v1, 'memory').map((folder) => ({ version: 1, folder })), unified: hybrid };
  if (!v2) return { memory: [], unified: [] };
  const folders = at(v2);
  return { memory: folders.map((folder) => ({ version: 2, folder })), unified: folders };
}

function inactiveBytes(folder, key) {
  const line = (readText(path.join(folder, 'memory.stat')) ?? '').split('\n').find((one) => one.startsWith(`${key} `));
  return line ? Number(line.split(' ')[1]) : 0;
}

/**
 * `{version, folder, limitBytes, usedBytes, freeBytes}` of the tightest group, or null where nothing limits memory.
 * Used is the working set: what the kernel could drop at once (inactive file pages) does not count.
 */
function tightestGroup(root = '/') {
  if (root === '/' && process.platform !== 'linux') return null;
  let tightest = null;
  for (const { version, folder } of hierarchies(root).memory) {
    const keys = version === 2 ? V2 : V1;
    const limit = Number(readText(path.join(folder, keys.limit)) ?? NaN);
    // "max" is NaN; v1 says 9223372036854771712; anything above the machine's memory is no limit either.
    if (!(limit > 0 && limit < os.totalmem())) continue;
    const current = Number(readText(path.join(folder, keys.current)) ?? NaN);
    if (!Number.isFinite(current)) continue;
    const used = Math.max(0, current - inactiveBytes(folder, keys.inactive));
    if (tightest && limit - used >= tightest.freeBytes) continue;
    tightest = { version, folder, limitBytes: limit, usedBytes: used, freeBytes: Math.max(0, limit - used) };
  }
  return tightest;
}

/** The same without the folder. */
function cgroupMemory(root = '/') {
  const tightest = tightestGroup(root);
  if (!tightest) return null;
  const { folder: _folder, ...figures } = tightest;
  return figures;
}

module.exports = { cgroupMemory, hierarchies, readText, tightestGroup };
