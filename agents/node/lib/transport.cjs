'use strict';

const { after, cancel, now } = require('./clock.cjs');

const PROTOCOL = 1;

const CONNECT_MS = 1000;
const REPLY_MS = 10_000;
const POLL_WAIT_S = 25;
const POLL_GRACE_MS = 10_000;
const MAX_REPLY_BYTES = 256 * 1024;

const BACKOFF_FIRST_MS = 1000;
const BACKOFF_LAST_MS = 60_000;
// A poll that comes back empty sooner than this did not wait: the other side is not a collector.
const POLL_MIN_MS = 500;

// The collector says that sending the same again is of no use.
const REFUSALS = new Set([400, 413, 422]);

/** How long to wait after that many failures in a row: doubling, and spread over half of it. */
function backoffMs(failures, random = Math.random()) {
  const ceiling = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return ceiling * (0.5 + random / 2);
}

/**
 * Sends what the queue holds, one message at a time, and polls for commands once the collector has
 * taken one.
 *
 * Only node:http with sockets that do not keep the process alive; a pending `fetch` would. What
 * libuv counts as alive anyway is a connection being made, so that is given one second.
 */
class Transport {
  #options;
  #instance;
  #guard;
  #queue;
  #counters;
  #onReply;
  #request;
  #keepAlive;
  #base;
  #headers;
  #sequence = 0;
  #pending = null;
  #sending = false;
  #failures = 0;
  #retryTimer = null;
  #polling = false;
  #pollFailures = 0;
  #requests = new Set();
  #stopped = false;

  constructor({ options, instance, guard, queue, counters, onReply }) {
    this.#options = options;
    this.#instance = instance;
    this.#guard = guard;
    this.#queue = queue;
    this.#counters = counters;
    this.#onReply = onReply;
    // Loaded now and not at the first message, so that instrumentation of the app, which comes
    // later, does not see the agent's own traffic.
    const http = options.collector.startsWith('https:') ? require('node:https') : require('node:http');
    this.#request = http.request;
    this.#keepAlive = new http.Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 2 });
    this.#base = `${options.collector}/v1/agents/${encodeURIComponent(instance.id)}`;
    this.#headers = options.token ? { authorization: `Bearer ${options.token}` } : {};
  }

  /** Bytes of the message that waits for its acknowledgement. */
  get bytes() {
    return this.#pending ? this.#pending.body.length : 0;
  }

  /** Sends now, unless a message is under way or the collector is being left alone for a while. */
  flush() {
    if (this.#stopped || this.#sending || this.#retryTimer) return;
    this.#pending ??= this.#nextMessage();
    if (!this.#pending) return;
    this.#sending = true;
    const options = {
      method: 'POST', path: '/samples', body: this.#pending.body, deadlineMs: REPLY_MS,
    };
    this.#exchange(options, (error, status, reply) => {
      this.#sending = false;
      if (this.#stopped) return;
      if (!error && reply) this.#accepted(reply);
      else this.#refused(status, error);
    });
  }

  stop() {
    this.#stopped = true;
    cancel(this.#retryTimer);
    for (const request of this.#requests) request.destroy();
    this.#keepAlive.destroy();
  }

  #nextMessage() {
    const batch = this.#queue.take();
    if (!batch) return null;
    this.#sequence += 1;
    const { id: _id, ...instance } = this.#instance;
    const head = {
      protocol: PROTOCOL,
      service: this.#options.service,
      release: this.#options.release,
      ...instance,
      sequence: this.#sequence,
      counters: this.#counters(),
    };
    const body = `${JSON.stringify(head).slice(0, -1)},"samples":${batch.samples},"events":${batch.events}}`;
    return { body, count: batch.count };
  }

  #accepted(reply) {
    this.#pending = null;
    this.#failures = 0;
    this.#onReply(reply);
    this.#poll();
    this.flush();
  }

  #refused(status, error) {
    if (error) this.#guard.record(error);
    if (REFUSALS.has(status)) {
      this.#queue.dropped += this.#pending.count;
      this.#pending = null;
    }
    this.#failures += 1;
    this.#retryTimer = after(backoffMs(this.#failures), this.#guard.wrap(() => {
      this.#retryTimer = null;
      this.flush();
    }));
  }

  #poll() {
    if (this.#stopped || this.#polling) return;
    this.#polling = true;
    const begun = now();
    const options = {
      method: 'GET', path: `/commands?wait=${POLL_WAIT_S}`, body: null,
      deadlineMs: POLL_WAIT_S * 1000 + POLL_GRACE_MS,
    };
    this.#exchange(options, (error, status, reply) => {
      const commands = !error && reply && Array.isArray(reply.commands) ? reply.commands : null;
      const waited = now() - begun >= POLL_MIN_MS || (commands && commands.length > 0);
      if (error) this.#guard.record(error);
      this.#pollFailures = commands && waited ? 0 : this.#pollFailures + 1;
      if (commands && commands.length > 0 && !this.#stopped) this.#onReply({ commands });
      const pause = this.#pollFailures === 0 ? 0 : backoffMs(this.#pollFailures);
      after(pause, this.#guard.wrap(() => {
        this.#polling = false;
        this.#poll();
      }));
    });
  }

  /** One request; `done(error, status, reply)` is called once, with the reply when it is 2xx. */
  #exchange({ method, path, body, deadlineMs }, done) {
    const headers = { ...this.#headers, accept: 'application/json' };
    if (body !== null) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    let request = null;
    let deadline = null;
    let connecting = null;
    let settled = false;
    const settle = this.#guard.wrap((error, status, reply) => {
      if (settled) return;
      settled = true;
      cancel(deadline);
      cancel(connecting);
      this.#requests.delete(request);
      if (error && request) request.destroy();
      done(error, status, reply);
    });
    try {
      request = this.#request(this.#base + path, { method, headers, agent: this.#keepAlive });
    } catch (error) {
      settle(error, 0, null);
      return;
    }
    this.#requests.add(request);
    deadline = after(deadlineMs, () => settle(new Error('the collector did not answer in time'), 0, null));
    connecting = after(CONNECT_MS, () => {
      const { socket } = request;
      if (!socket || socket.connecting) settle(new Error('could not connect to the collector'), 0, null);
    });
    request.on('error', (error) => settle(error, 0, null));
    request.on('socket', (socket) => socket.unref());
    request.on('response', this.#guard.wrap((response) => {
      readReply(response, (error, reply) => settle(error, response.statusCode, reply));
    }));
    request.end(body ?? undefined);
  }
}

/** Reads a reply of bounded length; calls back with the object in it, or with what was wrong. */
function readReply(response, done) {
  const chunks = [];
  let length = 0;
  response.on('error', (error) => done(error, null));
  response.on('aborted', () => done(new Error('the collector cut its reply short'), null));
  response.on('data', (chunk) => {
    length += chunk.length;
    if (length > MAX_REPLY_BYTES) {
      response.destroy();
      done(new Error(`the collector's reply is longer than ${MAX_REPLY_BYTES} bytes`), null);
    } else {
      chunks.push(chunk);
    }
  });
  response.on('end', () => {
    const { statusCode: status } = response;
    if (status < 200 || status > 299) {
      done(new Error(`the collector answered ${status}`), null);
      return;
    }
    let reply = null;
    try {
      reply = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch {
      // Told below, like any other reply that is no object.
    }
    const isObject = reply !== null && typeof reply === 'object' && !Array.isArray(reply);
    done(isObject ? null : new Error('the collector did not answer with a JSON object'), isObject ? reply : null);
  });
}

module.exports = { PROTOCOL, Transport, backoffMs };
