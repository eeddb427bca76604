'use strict';

const path = require('node:path');

const DEFAULTS = Object.freeze({
  collector: null,
  token: null,
  service: null,
  release: null,
  intervalMs: 30_000,
  snapshotDir: null,
  snapshotSignal: 'SIGUSR2',
  snapshotThreshold: 0.85,
  snapshotCooldownMs: 300_000,
  nearLimit: false,
  leakWindow: 10,
  leakGrowthBytes: 5_000_000,
  gcPauseMs: 100,
  loopDelayMs: 50,
  loopWindowMs: 60_000,
  alertShare: 0.7,
  censusMs: 300_000,
  blockedMs: 1000,
  stalls: true,
  listeners: false,
  promises: false,
  otlp: null,
});

const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;

const PARSERS = {
  collector: ['HEAPSLEUTH_COLLECTOR', parseAddress, 'an http:// or https:// address'],
  token: ['HEAPSLEUTH_TOKEN', parseToken, 'printable ASCII text without blanks'],
  service: ['HEAPSLEUTH_SERVICE', parseText, 'text'],
  release: ['HEAPSLEUTH_RELEASE', parseText, 'text'],
  intervalMs: ['HEAPSLEUTH_INTERVAL_MS', between(MIN_INTERVAL_MS, MAX_INTERVAL_MS),
    `milliseconds from ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}`],
  snapshotDir: ['HEAPSLEUTH_SNAPSHOT_DIR', parseText, 'a folder'],
  snapshotSignal: ['HEAPSLEUTH_SNAPSHOT_SIGNAL', parseSignal, 'a signal such as SIGUSR2, or none'],
  snapshotThreshold: ['HEAPSLEUTH_SNAPSHOT_THRESHOLD', between(0, 1), 'a share from 0 (off) to 1'],
  snapshotCooldownMs: ['HEAPSLEUTH_SNAPSHOT_COOLDOWN_MS', between(0, 86_400_000), 'milliseconds'],
  nearLimit: ['HEAPSLEUTH_NEAR_LIMIT', parseSwitch, '0 or 1'],
  leakWindow: ['HEAPSLEUTH_LEAK_WINDOW', between(3, 1000), 'a number of samples from 3 to 1000'],
  leakGrowthBytes: ['HEAPSLEUTH_LEAK_GROWTH_BYTES', between(1, 1e12), 'bytes per sample'],
  gcPauseMs: ['HEAPSLEUTH_GC_PAUSE_MS', between(0, 3_600_000), 'milliseconds'],
  loopDelayMs: ['HEAPSLEUTH_LOOP_DELAY_MS', between(0, 3_600_000), 'milliseconds'],
  loopWindowMs: ['HEAPSLEUTH_LOOP_WINDOW_MS', between(100, 3_600_000), 'milliseconds from 100 to 3600000'],
  alertShare: ['HEAPSLEUTH_ALERT_SHARE', between(0, 1), 'a share from 0 (off) to 1'],
  censusMs: ['HEAPSLEUTH_CENSUS_MS', orZero(between(1000, 86_400_000)), '0 (off), or milliseconds from 1000'],
  blockedMs: ['HEAPSLEUTH_BLOCKED_MS', orZero(between(100, 3_600_000)), '0 (off), or milliseconds from 100'],
  stalls: ['HEAPSLEUTH_STALLS', parseSwitch, '0 or 1'],
  listeners: ['HEAPSLEUTH_LISTENERS', parseSwitch, '0 or 1'],
  promises: ['HEAPSLEUTH_PROMISES', parseSwitch, '0 or 1'],
  otlp: ['HEAPSLEUTH_OTLP', parseOtlp, 'an http:// or https:// address, or 1 for the one in OTEL_EXPORTER_OTLP_ENDPOINT'],
};

function between(low, high) {
  return (value) => {
    const number = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
    return number >= low && number <= high ? number : undefined;
  };
}

/** What `parse` takes, and 0. */
function orZero(parse) {
  return (value) => (Number(value) === 0 && String(value).trim() !== '' ? 0 : parse(value));
}

function parseText(value) {
  return typeof value === 'string' && value !== '' ? value.slice(0, 1024) : undefined;
}

function parseToken(value) {
  // What Node refuses in a header would otherwise throw on every request.
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

function parseAddress(value) {
  try {
    const { protocol, href } = new URL(value);
    return protocol === 'http:' || protocol === 'https:' ? href.replace(/\/+$/, '') : undefined;
  } catch {
    return undefined;
  }
}

function parseOtlp(value) {
  const wanted = parseSwitch(value);
  // null leaves it off; true is told from an address when the exporter starts.
  return wanted === undefined ? parseAddress(value) : wanted || null;
}

function parseSignal(value) {
  const name = String(value).toUpperCase();
  if (name === 'NONE') return 'none';
  return /^SIG[A-Z0-9]+$/.test(name) ? name : undefined;
}

function parseSwitch(value) {
  if (value === true || value === '1' || value === 'true') return true;
  return value === false || value === '0' || value === 'false' ? false : undefined;
}

/**
 * Reads the options of the environment; `overrides` (same names as the result) come first.
 * A value that cannot be used leaves the default and is named in `warnings`; nothing throws.
 */
function readOptions(env, overrides = {}) {
  const options = { ...DEFAULTS, warnings: [] };
  for (const [name, [variable, parse, expected]] of Object.entries(PARSERS)) {
    for (const [source, value] of [[variable, env[variable]], [`option ${name}`, overrides[name]]]) {
      if (value === undefined || value === null || value === '') continue;
      const parsed = parse(value);
      // The value itself is not repeated: it may be a secret.
      if (parsed === undefined) options.warnings.push(`${source}: expected ${expected}`);
      else options[name] = parsed;
    }
  }
  options.service ??= env.npm_package_name || mainScriptName();
  options.release ??= env.npm_package_version || null;
  options.snapshotDir = path.resolve(options.snapshotDir ?? '.');
  return Object.freeze(options);
}

function mainScriptName() {
  return process.argv[1] ? path.basename(process.argv[1]).replace(/\.[cm]?[jt]s$/, '') : 'node';
}

module.exports = { MAX_INTERVAL_MS, MIN_INTERVAL_MS, readOptions };
