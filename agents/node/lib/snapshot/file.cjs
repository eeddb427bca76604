'use strict';

// Files appear under their final name complete or not at all.

const fs = require('node:fs');
const path = require('node:path');
const { partialName } = require('./names.cjs');
const { SnapshotError, formatBytes } = require('./refusal.cjs');

const HEAD_BYTES = 4096;
const CODES = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  ENOENT: 'folder',
  ENOTDIR: 'folder',
};
const CURES = {
  'disk-full': 'the disk is full; nothing is left of the half file',
  permission: 'no permission to write there; name another folder',
  folder: 'no such folder; create it first',
  write: 'writing failed; nothing is left of the half file',
};

/** An error of the file system as one of ours. */
function asSnapshotError(error, file) {
  if (error instanceof SnapshotError) return error;
  const code = CODES[error.code] ?? 'write';
  return new SnapshotError(code, `${file}: ${CURES[code]} (${error.message})`);
}

/** Fail early, before anything stops for seconds, if the folder cannot be written to. */
function checkFolder(folder) {
  try {
    if (!fs.statSync(folder).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw asSnapshotError(error, folder);
  }
}

async function readAt(handle, length, position) {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.toString('latin1', 0, bytesRead);
}

/** `{bytes, nodes, edges}` of a complete snapshot; it reads only both ends. Raises if it stops before its end. */
async function validateSnapshot(file) {
  const handle = await fs.promises.open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const head = await readAt(handle, HEAD_BYTES, 0);
    const tail = await readAt(handle, 16, Math.max(0, size - 16));
    const nodes = /"node_count":\s*(\d+)/.exec(head);
    const edges = /"edge_count":\s*(\d+)/.exec(head);
    if (!nodes || !edges || !tail.trimEnd().endsWith(']}')) {
      throw new SnapshotError(
        'incomplete',
        `the snapshot stopped after ${formatBytes(size)}, before its end (expected "]}" there); nothing is left of it`,
      );
    }
    // Without it a power cut could leave the final name with less than what was validated.
    await handle.sync();
    return { bytes: size, nodes: Number(nodes[1]), edges: Number(edges[1]) };
  } finally {
    await handle.close();
  }
}

/** Close what this process has open of a file: Node (18 to 26) forgets to when the disk is full. */
function closeLeftOpen({ dev, ino }) {
  for (const name of fs.readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    try {
      const open = fs.fstatSync(fd);
      if (open.dev === dev && open.ino === ino) fs.closeSync(fd);
    } catch {
      // Closed since it was listed.
    }
  }
}

/** Remove a half file and what it occupies; never throws. */
function discard(file) {
  try {
    const whole = fs.statSync(file);
    // First, because a removed file that is still open keeps its space on the disk.
    fs.truncateSync(file, 0);
    fs.rmSync(file, { force: true });
    closeLeftOpen(whole);
  } catch {
    // It was never made, there is no /proc, or the folder is gone.
  }
}

/** Write text to a file in one step. */
function writeWhole(file, text) {
  const partial = partialName(file);
  try {
    // It may name what the program works on.
    fs.writeFileSync(partial, text, { mode: 0o600 });
    fs.renameSync(partial, file);
  } catch (error) {
    discard(partial);
    throw asSnapshotError(error, path.dirname(file));
  }
}

module.exports = { asSnapshotError, checkFolder, discard, validateSnapshot, writeWhole };
