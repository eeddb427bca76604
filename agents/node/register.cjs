'use strict';

// Preload: `node --require …/register.cjs app.js`, `--import`, or either in NODE_OPTIONS.
// Written in the oldest JavaScript, and requiring the rest only where it can run: a preload that
// throws takes the application down with it.
try {
  if (parseInt(process.versions.node, 10) >= 18) {
    require('./lib/preload.cjs').preload();
  }
} catch (_error) {
  // The application comes first. The agent's absence shows in the collector.
}
