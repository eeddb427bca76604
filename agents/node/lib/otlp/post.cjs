'use strict';

const { after, cancel } = require('../clock.cjs');

// While a connection is being made, libuv keeps the process alive.
const CONNECT_MS = 1000;
const MAX_REPLY_BYTES = 64 * 1024;

/**
 * Sends JSON to an address; unless `hold`, by sockets that keep nothing alive. Calls `done(error, status, reply)` once,
 * with the reply when it is JSON. `agent` holds the connection for the next time.
 */
function post({ url, headers, body, timeoutMs, agent, guard, hold }, done) {
  const { request: send } = url.startsWith('https:') ? require('node:https') : require('node:http');
  let settled = false;
  let request = null;
  let deadline = null;
  let connecting = null;
  const settle = guard.wrap((error, status = 0, reply = null) => {
    if (settled) return;
    settled = true;
    cancel(deadline);
    cancel(connecting);
    if (error) request?.destroy();
    done(error, status, reply);
  });
  try {
    request = send(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
  } catch (error) {
    settle(error);
    return;
  }
  deadline = after(timeoutMs, () => settle(new Error('the OTLP endpoint did not answer in time')));
  connecting = after(hold ? timeoutMs : CONNECT_MS, () => {
    if (!request.socket || request.socket.connecting) settle(new Error('could not connect to the OTLP endpoint'));
  });
  request.on('error', (error) => settle(error));
  if (!hold) request.on('socket', (socket) => socket.unref());
  request.on('response', guard.wrap((response) => {
    const chunks = [];
    let length = 0;
    response.on('error', (error) => settle(error));
    response.on('data', (chunk) => {
      length += chunk.length;
      if (length <= MAX_REPLY_BYTES) chunks.push(chunk);
    });
    response.on('end', () => settle(null, response.statusCode, parse(Buffer.concat(chunks).toString('utf8'))));
  }));
  request.end(body);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Some answer with an empty body, and some with protobuf.
    return null;
  }
}

module.exports = { post };
