'use strict';

const fs = require('node:fs');

const { Guard } = require('../errors.cjs');
const { describeInstance } = require('../instance.cjs');
const { readOptions } = require('../options.cjs');
const { current } = require('../state.cjs');
const { OtlpExporter } = require('./exporter.cjs');
const { readSettings } = require('./settings.cjs');

/** Begins to export; an endpoint that is none is said on standard error, and nothing is exported. */
function beginExport(options = {}) {
  const agent = current();
  const guard = agent?.guard ?? new Guard();
  try {
    const { service, release } = agent?.options ?? readOptions(process.env);
    const instance = agent?.instance ?? describeInstance();
    return new OtlpExporter(readSettings(process.env, instance, { service, release, ...options }), guard);
  } catch (error) {
    guard.record(error);
    guard.run(() => fs.writeSync(2, `heapsleuth: no export to OpenTelemetry: ${error.message}\n`));
    return { flush: async () => false, close() {} };
  }
}

module.exports = { beginExport };
