'use strict';

// What can be had where a snapshot cannot: a sampling heap profile, which names the functions whose
// allocations are still alive, in kilobytes and milliseconds.

const inspector = require('node:inspector');
const { after } = require('../clock.cjs');
const { writeWhole } = require('./file.cjs');

const INTERVAL_BYTES = 128 * 1024;
const STACK_DEPTH = 64;
const SECONDS = 5;

function post(session, method, parameters) {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => {
      if (error) reject(new Error(`${method}: ${error.message}`));
      else resolve(result);
    });
  });
}

function pause(ms) {
  return new Promise((resolve) => after(ms, resolve));
}

/**
 * Write a `.heapprofile` and return `{path, bytes, seconds}`.
 * `session`: an inspector session that samples already; its profile covers all since its start.
 * Without one, only what is allocated in the next `seconds` is in it. Reading either forces one full GC.
 */
async function writeProfile(file, { session = null, seconds = SECONDS } = {}) {
  const own = session === null ? new inspector.Session() : null;
  const using = own ?? session;
  try {
    if (own) {
      own.connect();
      await post(own, 'HeapProfiler.startSampling', { samplingInterval: INTERVAL_BYTES, stackDepth: STACK_DEPTH });
      await pause(seconds * 1000);
    }
    const method = own ? 'HeapProfiler.stopSampling' : 'HeapProfiler.getSamplingProfile';
    const text = JSON.stringify((await post(using, method)).profile);
    writeWhole(file, text);
    return { path: file, bytes: Buffer.byteLength(text), seconds: own ? seconds : null };
  } finally {
    if (own) own.disconnect();
  }
}

module.exports = { writeProfile };
