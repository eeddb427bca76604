'use strict';

// The environment variables that every OpenTelemetry SDK reads, as far as they say something about metrics.

const os = require('node:os');

const DEFAULT_ENDPOINT = 'http://localhost:4318';
const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 10_000;
const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'];

const SIGNAL = 'OTEL_EXPORTER_OTLP_METRICS_';
const GENERAL = 'OTEL_EXPORTER_OTLP_';

/** `key=value,key=value`, both percent-encoded, as in W3C baggage; what is no pair is left out. */
function parsePairs(text = '') {
  const pairs = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    if (at <= 0) continue;
    try {
      pairs[decodeURIComponent(part.slice(0, at).trim())] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      // Not percent-encoded text.
    }
  }
  return pairs;
}

function parseMs(text, fallback, least) {
  const ms = Number(text);
  return text && ms >= least ? ms : fallback;
}

/** An endpoint for all signals gets the path of this one; an endpoint for metrics is taken as it is. */
function addressOf(env, endpoint) {
  const base = typeof endpoint === 'string' ? endpoint : env[`${GENERAL}ENDPOINT`] || DEFAULT_ENDPOINT;
  const own = typeof endpoint === 'string' ? null : env[`${SIGNAL}ENDPOINT`];
  const url = new URL(own || base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`${url.protocol} is no endpoint for OTLP/HTTP`);
  if (!own && !url.pathname.endsWith('/v1/metrics')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/metrics`;
  return url.href;
}

/**
 * `{url, headers, intervalMs, timeoutMs, temporality, resource}`; `options` (endpoint, headers, intervalMs,
 * timeoutMs, temporality, service, release, attributes) come before the environment. Throws when the endpoint is none.
 */
function readSettings(env, instance, options = {}) {
  const given = parsePairs(env.OTEL_RESOURCE_ATTRIBUTES);
  const preference = (options.temporality ?? env[`${SIGNAL}TEMPORALITY_PREFERENCE`] ?? '').toLowerCase();
  return Object.freeze({
    url: addressOf(env, options.endpoint),
    headers: {
      ...parsePairs(env[`${GENERAL}HEADERS`]), ...parsePairs(env[`${SIGNAL}HEADERS`]), ...options.headers,
    },
    intervalMs: options.intervalMs ?? parseMs(env.OTEL_METRIC_EXPORT_INTERVAL, INTERVAL_MS, 100),
    timeoutMs: options.timeoutMs
      ?? parseMs(env[`${SIGNAL}TIMEOUT`] ?? env[`${GENERAL}TIMEOUT`], TIMEOUT_MS, 1),
    temporality: TEMPORALITIES.includes(preference) ? preference : 'cumulative',
    resource: {
      'service.name': env.OTEL_SERVICE_NAME || given['service.name'] || options.service,
      ...(options.release ? { 'service.version': options.release } : {}),
      'service.instance.id': instance.id,
      'host.name': instance.host,
      'host.arch': os.arch(),
      'process.pid': instance.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': instance.node,
      ...given,
      ...(env.OTEL_SERVICE_NAME ? { 'service.name': env.OTEL_SERVICE_NAME } : {}),
      ...options.attributes,
    },
  });
}

module.exports = { parsePairs, readSettings };
