'use strict';

// Snapshots on demand that the application survives. See docs/guides/snapshots.md.

const { armNearLimit } = require('./near-limit.cjs');
const { preflight } = require('./preflight.cjs');
const { SnapshotError } = require('./refusal.cjs');
const { removeStale } = require('./stale.cjs');
const { take } = require('./take.cjs');
const { watchThreshold } = require('./threshold.cjs');

module.exports = { SnapshotError, armNearLimit, preflight, removeStale, take, watchThreshold };
