'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { COMMANDS } = require('../lib/commands.cjs');
const { SAMPLERS } = require('../lib/samplers/index.cjs');
const { withCollector } = require('./collector.cjs');
const { environment, start } = require('./processes.cjs');

const FOLDER = path.join(__dirname, '..', '..', 'protocol');
const golden = (name) => JSON.parse(fs.readFileSync(path.join(FOLDER, `${name}.json`), 'utf8'));

/** The types of a message's fields; the spaces of the heap differ by Node version. */
function shape(value) {
  if (Array.isArray(value)) return value.length > 0 ? [shape(value[0])] : [];
  if (value === null || typeof value !== 'object') return value === null ? 'string' : typeof value;
  const names = Object.keys(value).filter((name) => !name.startsWith('heap_space_')).sort();
  return Object.fromEntries(names.map((name) => [name, shape(value[name])]));
}

test('the agent\'s messages have the fields and types of the golden ones', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-'));
  try {
    await withCollector(async (collector) => {
      const env = environment({
        HEAPSLEUTH_COLLECTOR: collector.url, HEAPSLEUTH_SNAPSHOT_DIR: folder, HEAPSLEUTH_SERVICE: 'shop', HEAPSLEUTH_RELEASE: '1',
      });
      const { child, done, output } = start(['server.cjs'], { env });
      await collector.until(() => output() !== '', 'the port');
      await fetch(`http://127.0.0.1:${output().trim()}`).then((reply) => reply.text());
      await collector.until(() => collector.messages.length > 0, 'the first message');
      const results = {};
      for (const command of golden('commands-reply').commands) {
        delete command.dir;
        collector.command(command);
        results[command.type] = await collector.result(command.id);
      }
      collector.command({ id: 'x', type: 'snapshot', path: path.join(folder, 'no', 'such', 'x.heapsnapshot') });
      const failed = await collector.result('x');
      child.kill('SIGUSR2');
      const taken = await collector.until(() => collector.events.find((event) => event.type === 'snapshot'), 'the event');
      const complete = (one) => one.samples.length > 0 && 'floor_bytes' in one.samples[0];
      const message = { ...await collector.until(() => collector.messages.find(complete), 'a sample after a collection') };
      child.kill('SIGKILL');
      await done;

      delete message.instance;
      message.samples = golden('samples-request').samples;
      message.events = golden('samples-request').events;
      assert.deepStrictEqual(shape(message), shape(golden('samples-request')));
      // What the system does not have is absent, and right after a sample some metrics by interval.
      const measured = { ...shape(golden('result-gc').sample), ...shape(results.gc.sample) };
      const required = ['at_ms', 'floor_bytes', 'heap_limit_bytes', 'gc_major_count', 'requests_total', 'agent_cpu_ms'];
      assert.deepStrictEqual(required.filter((name) => !(name in results.gc.sample)), []);
      assert.deepStrictEqual(measured, shape(golden('result-gc').sample));
      results.gc.sample = golden('result-gc').sample;
      for (const [type, result] of Object.entries(results)) {
        assert.deepStrictEqual(shape(result), shape(golden(`result-${type.replace('.', '-')}`)), type);
      }
      assert.deepStrictEqual(shape(taken), shape(golden('event-snapshot')));
      assert.deepStrictEqual(Object.keys(failed).sort(), Object.keys(golden('result-error')).sort());
      assert.strictEqual(typeof failed.error.code, 'string');
      assert.strictEqual(typeof failed.error.text, 'string');
    });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('the golden commands are all that the agent knows', () => {
  assert.deepStrictEqual(golden('commands-reply').commands.map((command) => command.type).sort(), Object.keys(COMMANDS).sort());
});

test('the golden sample has every metric, and the documents name it', () => {
  const readme = fs.readFileSync(path.join(FOLDER, 'README.md'), 'utf8');
  const metrics = SAMPLERS.flatMap((sampler) => sampler.metrics);
  const { http, ...sample } = golden('samples-request').samples[0];
  const names = Object.keys(sample);

  assert.deepStrictEqual(names.filter((name) => !name.startsWith('heap_space_')).sort(), ['at_ms', ...metrics].sort());
  // `gc_{minor,major}_count` and the like name several at once.
  const written = [...readme.matchAll(/`([a-z0-9_]*)\{([a-z0-9_,]+)\}([a-z0-9_]*)`/g)].flatMap(([, before, parts, after]) => (
    parts.split(',').map((part) => before + part + after)
  ));
  for (const name of metrics) assert.ok(readme.includes(`\`${name}\``) || written.includes(name), name);
  assert.deepStrictEqual(http.map(({ route }) => route), ['', 'GET /orders/:id', 'other']);
});

test('every golden message is named in the documents', () => {
  const readme = fs.readFileSync(path.join(FOLDER, 'README.md'), 'utf8');
  for (const file of fs.readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
    assert.ok(readme.includes(`(${file})`), file);
  }
});
