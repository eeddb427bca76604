'use strict';

// Prometheus text exposition, version 0.0.4.

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const escapeHelp = (text) => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
const escapeValue = (text) => escapeHelp(String(text)).replace(/"/g, '\\"');

function formatNumber(value) {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function formatLabels(labels) {
  const pairs = Object.entries(labels).filter(([name]) => LABEL_NAME.test(name));
  return pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;
}

/**
 * `families`: `{name, type, help, samples: [{suffix, labels, value}]}`, suffix and labels optional;
 * `labels` come with every sample, those of the sample itself first.
 */
function render(families, labels = {}) {
  const lines = [];
  for (const { name, type, help, samples } of families) {
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const { suffix = '', labels: own = {}, value } of samples) {
      lines.push(`${name}${suffix}${formatLabels({ ...labels, ...own })} ${formatNumber(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The samples of one histogram: `counts` has one place more than `bounds`, for what is above the last. */
function histogramSamples({ bounds, counts, sum, labels = {} }) {
  const samples = [];
  let total = 0;
  counts.forEach((count, i) => {
    total += count;
    const le = formatNumber(bounds[i] ?? Infinity);
    samples.push({ suffix: '_bucket', labels: { ...labels, le }, value: total });
  });
  samples.push({ suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total });
  return samples;
}

module.exports = { CONTENT_TYPE, histogramSamples, render };
