'use strict';

// Sends a file that was taken for the collector to it, packed as it is read: nothing is held whole, and what
// waits is bounded by the streams' own buffers. The file stays where the collector did not take it.

const fs = require('node:fs');
const { after, cancel } = require('../clock.cjs');
const { SnapshotError } = require('./refusal.cjs');
const { sidecarName } = require('./sidecar.cjs');

const STALLED_MS = 60_000;
// Packing costs a core for as long as it takes; the first level costs a third of the default's.
const LEVEL = 1;

/** Work done when the snapshot was taken, as its sidecar has it; null when nobody counted. */
function workOf(file) {
  try {
    const { work } = JSON.parse(fs.readFileSync(sidecarName(file), 'utf8'));
    return Number.isFinite(work) ? work : null;
  } catch {
    return null;
  }
}

/** `PUT …/snapshots/{id}` of a file; rejects unless it was taken. */
function put({ url, token, file, kind }) {
  // Loaded when they are needed: most processes never send one.
  const { pipeline } = require('node:stream');
  const { createGzip } = require('node:zlib');
  const { request: open } = url.startsWith('https:') ? require('node:https') : require('node:http');
  const work = workOf(file);
  const query = `kind=${kind}${work === null ? '' : `&work=${work}`}`;
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/octet-stream' };
  if (token) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    let stalled = null;
    let request = null;
    const settle = (error) => {
      cancel(stalled);
      if (!error) {
        resolve();
        return;
      }
      request?.destroy();
      reject(new SnapshotError('upload', `the file could not be sent to the collector: ${error.message}; it is ${file}`));
    };
    const progress = () => {
      cancel(stalled);
      stalled = after(STALLED_MS, () => settle(new Error(`nothing moved for ${STALLED_MS / 1000} s`)));
    };
    progress();
    try {
      request = open(`${url}?${query}`, { method: 'PUT', headers, agent: false });
    } catch (error) {
      settle(error);
      return;
    }
    request.on('socket', (socket) => socket.unref());
    request.on('error', settle);
    request.on('response', (response) => {
      const { statusCode: status } = response;
      response.on('error', settle);
      response.on('end', () => settle(status >= 200 && status <= 299 ? null : new Error(`it answered ${status}`)));
      response.resume();
    });
    const gzip = createGzip({ level: LEVEL });
    gzip.on('data', progress);
    // An answer before the end of the file (refused, too large) breaks the pipe; the answer says why.
    pipeline(fs.createReadStream(file), gzip, request, (error) => {
      if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'EPIPE') settle(error);
    });
  });
}

/** Sends the file of a command's result under the id `upload`; it is gone from here then, unless `keep`. */
async function send(agent, { upload, keep }, result) {
  const { collector, token } = agent.options;
  const url = `${collector}/v1/agents/${encodeURIComponent(agent.instance.id)}/snapshots/${upload}`;
  const { path: file, kind = 'profile' } = result;
  await put({ url, token, file, kind });
  if (keep !== true) {
    for (const name of [file, sidecarName(file)]) fs.rmSync(name, { force: true });
  }
  return { ...result, uploaded: true, kept: keep === true };
}

module.exports = { send };
