'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');

const { sidecarName } = require('../snapshot/sidecar.cjs');
const { Refusal } = require('./refusal.cjs');

// One name in one folder, and no hidden one: nothing that could lead elsewhere.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,250}\.(heapsnapshot|heapprofile)$/;
const MAX_LISTED = 1000;

const isMissing = ({ code }) => code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
const unknown = () => new Refusal(404, 'not-found', 'there is no such snapshot');

function fileOf(dir, name) {
  if (!NAME.test(name)) throw unknown();
  return path.join(dir, name);
}

/** The folder's snapshots and profiles, the latest first; links and other files are none. */
async function listSnapshots({ dir }) {
  const entries = await fs.promises.readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && NAME.test(entry.name)).map(({ name }) => name);
  const rows = await Promise.all(names.map(async (name) => {
    try {
      const { size, mtime } = await fs.promises.stat(path.join(dir, name));
      return { name, bytes: size, time: mtime.toISOString() };
    } catch {
      return null;
    }
  }));
  const found = rows.filter(Boolean).sort((a, b) => (a.time < b.time ? 1 : -1));
  return { status: 200, body: { dir, snapshots: found.slice(0, MAX_LISTED) } };
}

/** Sends a file in blocks, however large it is. */
async function sendSnapshot({ dir, name, request, response, headers }) {
  const file = fileOf(dir, name);
  const { O_RDONLY, O_NOFOLLOW = 0 } = fs.constants;
  const handle = await fs.promises.open(file, O_RDONLY | O_NOFOLLOW).catch((error) => {
    throw isMissing(error) ? unknown() : error;
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unknown();
    response.writeHead(200, {
      ...headers,
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${name}"`,
      'content-length': stat.size,
    });
    if (request.method === 'HEAD') response.end();
    // What is appended meanwhile is not part of the length that was promised.
    else if (stat.size > 0) await pipeline(handle.createReadStream({ autoClose: false, end: stat.size - 1 }), response);
    else response.end();
    return { status: 200, sent: true, detail: { name, bytes: stat.size } };
  } finally {
    await handle.close();
  }
}

/** Removes a file and its sidecar. */
async function deleteSnapshot({ dir, name }) {
  const file = fileOf(dir, name);
  try {
    // A link would be removed and not what it leads to; but it is not one of ours.
    if (!(await fs.promises.lstat(file)).isFile()) throw unknown();
    await fs.promises.unlink(file);
  } catch (error) {
    throw isMissing(error) ? unknown() : error;
  }
  await fs.promises.rm(sidecarName(file), { force: true });
  return { status: 204, detail: { name } };
}

module.exports = { deleteSnapshot, listSnapshots, sendSnapshot };
