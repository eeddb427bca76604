'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { test } = require('node:test');

const { readOptions } = require('../lib/options.cjs');

test('an empty environment gives the documented defaults', () => {
  const options = readOptions({});

  assert.strictEqual(options.collector, null);
  assert.strictEqual(options.intervalMs, 30_000);
  assert.strictEqual(options.snapshotSignal, 'SIGUSR2');
  assert.strictEqual(options.snapshotThreshold, 0.85);
  assert.strictEqual(options.snapshotCooldownMs, 300_000);
  assert.strictEqual(options.snapshotDir, process.cwd());
  assert.strictEqual(options.nearLimit, false);
  assert.deepStrictEqual(options.warnings, []);
});

test('every variable is read', () => {
  const options = readOptions({
    HEAPSLEUTH_COLLECTOR: 'http://127.0.0.1:4000/',
    HEAPSLEUTH_TOKEN: 'secret',
    HEAPSLEUTH_SERVICE: 'shop',
    HEAPSLEUTH_RELEASE: '2.0',
    HEAPSLEUTH_INTERVAL_MS: '500',
    HEAPSLEUTH_SNAPSHOT_DIR: 'dumps',
    HEAPSLEUTH_SNAPSHOT_SIGNAL: 'sighup',
    HEAPSLEUTH_SNAPSHOT_THRESHOLD: '0',
    HEAPSLEUTH_SNAPSHOT_COOLDOWN_MS: '0',
    HEAPSLEUTH_NEAR_LIMIT: '1',
    HEAPSLEUTH_LEAK_WINDOW: '20',
    HEAPSLEUTH_LEAK_GROWTH_BYTES: '1000000',
    HEAPSLEUTH_GC_PAUSE_MS: '200',
    HEAPSLEUTH_LOOP_DELAY_MS: '80',
    HEAPSLEUTH_LOOP_WINDOW_MS: '30000',
    HEAPSLEUTH_ALERT_SHARE: '0.9',
    HEAPSLEUTH_CENSUS_MS: '60000',
    HEAPSLEUTH_BLOCKED_MS: '0',
    HEAPSLEUTH_STALLS: '0',
    HEAPSLEUTH_LISTENERS: '1',
    HEAPSLEUTH_PROMISES: 'true',
    HEAPSLEUTH_OTLP: 'https://otel.example:4318/',
  });

  assert.deepStrictEqual({ ...options }, {
    collector: 'http://127.0.0.1:4000',
    token: 'secret',
    service: 'shop',
    release: '2.0',
    intervalMs: 500,
    snapshotDir: path.resolve('dumps'),
    snapshotSignal: 'SIGHUP',
    snapshotThreshold: 0,
    snapshotCooldownMs: 0,
    nearLimit: true,
    leakWindow: 20,
    leakGrowthBytes: 1_000_000,
    gcPauseMs: 200,
    loopDelayMs: 80,
    loopWindowMs: 30_000,
    alertShare: 0.9,
    censusMs: 60_000,
    blockedMs: 0,
    stalls: false,
    listeners: true,
    promises: true,
    otlp: 'https://otel.example:4318',
    warnings: [],
  });
});

test('a value that cannot be used leaves the default, is named and is not repeated', () => {
  const options = readOptions({
    HEAPSLEUTH_COLLECTOR: 'ftp://x',
    HEAPSLEUTH_TOKEN: 'two words',
    HEAPSLEUTH_INTERVAL_MS: '5',
    HEAPSLEUTH_SNAPSHOT_SIGNAL: 'USR2;',
    HEAPSLEUTH_SNAPSHOT_THRESHOLD: '85',
    HEAPSLEUTH_NEAR_LIMIT: 'maybe',
  });

  assert.strictEqual(options.collector, null);
  assert.strictEqual(options.token, null);
  assert.strictEqual(options.intervalMs, 30_000);
  assert.strictEqual(options.snapshotThreshold, 0.85);
  assert.strictEqual(options.warnings.length, 6);
  assert.match(options.warnings.join('\n'), /HEAPSLEUTH_INTERVAL_MS: expected milliseconds from 100/);
  assert.doesNotMatch(options.warnings.join('\n'), /two words/);
});

test('options given in code come before the environment', () => {
  const options = readOptions({ HEAPSLEUTH_SERVICE: 'from env', HEAPSLEUTH_RELEASE: '1' }, { service: 'from code' });

  assert.strictEqual(options.service, 'from code');
  assert.strictEqual(options.release, '1');
});
