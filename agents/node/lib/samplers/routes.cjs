'use strict';

// Requests by route: the pattern that the framework matched where it can be read from the request (Express and
// what is built on it, Fastify 5), else the path with what looks like an id replaced.

const { Histogram } = require('./histogram.cjs');

// With the entry of all requests and that of the rest, 51.
const MAX_ROUTES = 49;
const MAX_NAME = 200;
const OTHER = 'other';
const SLASH = 47;
const QUERY = 63;

/** Where Fastify's diagnostics channel puts the pattern. */
const kPattern = Symbol('heapsleuth.pattern');

/** An id begins a segment that is all digits, or a long one with digits in it; `v2` and `oauth2` are names. */
const LONG = 8;
const VERY_LONG = 40;
const isId = (length, digits) => (digits > 0 && (digits === length || length >= LONG)) || length > VERY_LONG;

const mix = (hash, code) => Math.imul(hash ^ code, 0x01000193);

/** Hash of a text as it is. */
function hashText(hash, text) {
  let mixed = hash;
  for (let i = 0; i < text.length; i += 1) mixed = mix(mixed, text.charCodeAt(i));
  return mixed;
}

/** Hash of a path up to its query, in which every id counts as the same. One pass, no strings: for every request. */
function hashPath(hash, url) {
  let mixed = hash;
  let before = hash;
  let begun = 0;
  let digits = 0;
  let i = 0;
  for (; i < url.length; i += 1) {
    const code = url.charCodeAt(i);
    if (code === QUERY) break;
    if (code === SLASH) {
      if (isId(i - begun, digits)) mixed = mix(before, 1);
      mixed = mix(mixed, SLASH);
      before = mixed;
      begun = i + 1;
      digits = 0;
    } else {
      if (code >= 48 && code <= 57) digits += 1;
      mixed = mix(mixed, code);
    }
  }
  return isId(i - begun, digits) ? mix(before, 1) : mixed;
}

/** The same as text. */
function pathName(url) {
  const [path] = url.split('?', 1);
  return path.split('/').map((segment) => (
    isId(segment.length, segment.replace(/[^0-9]/g, '').length) ? ':id' : segment
  )).join('/');
}

/** Durations and statuses of one route in one interval. */
class Route {
  histogram = new Histogram();
  statuses = new Uint32Array(6);
  count = 0;

  constructor(name) {
    this.name = name;
  }

  reset() {
    this.histogram.reset();
    this.statuses.fill(0);
    this.count = 0;
  }

  /** As the protocol has it. */
  describe() {
    const statuses = {};
    for (let i = 1; i < 6; i += 1) if (this.statuses[i] > 0) statuses[`${i}xx`] = this.statuses[i];
    return { route: this.name, count: this.count, statuses, buckets: this.histogram.buckets() };
  }
}

/** At most 49 routes, and one for the rest. */
class Routes {
  other = new Route(OTHER);
  #byHash = new Map();

  get all() {
    return [...this.#byHash.values(), this.other];
  }

  get bytes() {
    return (this.#byHash.size + 1) * 2400;
  }

  /** The route of a finished request. */
  of(request, status) {
    const { method } = request;
    const pattern = request[kPattern];
    const matched = pattern === undefined ? request.route : undefined;
    let hash = mix(method.length, method.charCodeAt(0));
    if (pattern !== undefined) hash = hashText(hash, pattern);
    // Express writes the part that led to a router with its ids filled in.
    else if (matched) hash = hashText(hashPath(hash, request.baseUrl || ''), String(matched.path));
    // What nothing answers to are the probes of strangers, each another path.
    else if (status === 404) return this.other;
    else hash = hashPath(hash, request.originalUrl || request.url);
    const route = this.#byHash.get(hash);
    return route === undefined ? this.#add(hash, request, pattern, matched) : route;
  }

  /** Begins a new interval; routes that were not asked for in the last one make room. */
  reset() {
    const isFull = this.#byHash.size >= MAX_ROUTES && this.other.count > 0;
    const counts = [...this.#byHash.values()].map((route) => route.count).sort((a, b) => a - b);
    // When there are more routes than places, the quiet half has to earn its place anew.
    const least = isFull ? counts[counts.length >> 1] : 0;
    for (const [hash, route] of this.#byHash) {
      if (route.count <= least) this.#byHash.delete(hash);
      else route.reset();
    }
    this.other.reset();
  }

  #add(hash, request, pattern, matched) {
    if (this.#byHash.size >= MAX_ROUTES) return this.other;
    let path = pattern;
    if (matched) path = pathName(request.baseUrl || '') + String(matched.path);
    else if (pattern === undefined) path = pathName(request.originalUrl || request.url);
    const route = new Route(`${request.method} ${path}`.slice(0, MAX_NAME));
    this.#byHash.set(hash, route);
    return route;
  }
}

module.exports = { MAX_ROUTES, Routes, kPattern, pathName };
