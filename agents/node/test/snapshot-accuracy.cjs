'use strict';

// How right the pre-flight is: `node test/snapshot-accuracy.cjs [--megabytes 20] [--shapes api,maps] NODE...`
// fills a heap with each shape on each Node binary, takes a snapshot, and prints predicted over actual as a
// Markdown table: 1.0 is right, 2.0 is twice what it was. The pause is compared as CPU time, which other programs
// on the machine hardly change.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { parseArgs } = require('node:util');
const { SHAPES } = require('./snapshot-shapes.cjs');

// Below that, a wrong figure of memory harms nobody, and pages that the process had spare blur it.
const SMALL_BYTES = 32e6;

function ratios({ predicted, actual }) {
  const { extra_bytes: extra } = actual;
  return {
    nodes: predicted.nodes / actual.nodes,
    pause: predicted.pause_cpu_ms / actual.pause_cpu_ms,
    memory: extra === null || Math.abs(predicted.extra_bytes - extra) < SMALL_BYTES ? null : predicted.extra_bytes / extra,
    file: predicted.file_bytes / actual.bytes,
  };
}

function cell(value) {
  if (value === null) return '≈';
  return value < 0.5 || value > 2 ? `**${value.toFixed(1)}**` : value.toFixed(1);
}

function measure(node, shape, megabytes, folder) {
  const program = path.join(__dirname, 'snapshot-shapes.cjs');
  const output = execFileSync(node, ['--max-old-space-size=4000', program, shape, megabytes, folder], { encoding: 'utf8' });
  return JSON.parse(output);
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { megabytes: { type: 'string', default: '20' }, shapes: { type: 'string' } },
  });
  const nodes = positionals.length ? positionals : [process.execPath];
  const shapes = values.shapes ? values.shapes.split(',') : Object.keys(SHAPES);
  const versions = nodes.map((node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-accuracy-'));
  process.stdout.write(`| shape | ${versions.join(' | ')} |\n|---|${versions.map(() => '---|').join('')}\n`);
  let within = 0;
  let all = 0;
  for (const shape of shapes) {
    const cells = nodes.map((node) => {
      const result = Object.values(ratios(measure(node, shape, values.megabytes, folder)));
      all += result.length;
      within += result.filter((value) => value === null || (value >= 0.5 && value <= 2)).length;
      return result.map(cell).join(' ');
    });
    process.stdout.write(`| ${shape} | ${cells.join(' | ')} |\n`);
  }
  fs.rmSync(folder, { recursive: true });
  process.stdout.write(`\n${within} of ${all} figures within a factor of 2.\n`);
}

main();
