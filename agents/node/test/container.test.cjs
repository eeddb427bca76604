'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const container = require('../lib/samplers/container.cjs');
const fds = require('../lib/samplers/fds.cjs');
const processSampler = require('../lib/samplers/process.cjs');
const { CONTAINER_V2, PRESSURE, fakeRoot, writeFiles } = require('./fake-root.cjs');

function read(sampler, options) {
  const sample = {};
  sampler.open(options).read(sample, { reset: true });
  return sample;
}

test('a container of cgroup v2 is told with its limit, its kinds of memory, its events and its pressure', (t) => {
  assert.deepStrictEqual(read(container, { root: fakeRoot(t, CONTAINER_V2) }), {
    container_limit_bytes: 1_000_000_000,
    container_used_bytes: 700_000_000,
    container_working_set_bytes: 500_000_000,
    container_anon_bytes: 300_000_000,
    container_file_bytes: 350_000_000,
    container_sock_bytes: 9_000_000,
    container_slab_bytes: 40_000_000,
    container_oom_total: 3,
    container_oom_kill_total: 2,
    container_high_total: 11,
    container_max_total: 7,
    memory_pressure_some_avg10: 12.5,
    memory_pressure_full_avg10: 4.25,
  });
});

test('one of cgroup v1 is told with what the kernel has there', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '4:memory:/docker/abc\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '500000000\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '450000000\n',
    'sys/fs/cgroup/memory/memory.stat': 'cache 1\nrss 2\ninactive_file 3\ntotal_cache 150000000\ntotal_rss 290000000\ntotal_inactive_file 50000000\n',
    'sys/fs/cgroup/memory/memory.kmem.tcp.usage_in_bytes': '12000\n',
    'sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
    'sys/fs/cgroup/memory/memory.failcnt': '19\n',
  });

  assert.deepStrictEqual(read(container, { root }), {
    container_limit_bytes: 500_000_000,
    container_used_bytes: 450_000_000,
    container_working_set_bytes: 400_000_000,
    container_anon_bytes: 290_000_000,
    container_file_bytes: 150_000_000,
    container_sock_bytes: 12_000,
    container_oom_kill_total: 4,
    container_max_total: 19,
  });
});

test('on a hybrid system memory comes from v1 and pressure from v2', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '4:memory:/x\n0::/y\n',
    'sys/fs/cgroup/memory/x/memory.usage_in_bytes': '100000000\n',
    'sys/fs/cgroup/unified/y/memory.pressure': PRESSURE,
    'proc/pressure/memory': 'some avg10=99.00 avg60=0.00 avg300=0.00 total=0\n',
  });
  const sample = read(container, { root });

  assert.strictEqual(sample.container_used_bytes, 100_000_000);
  assert.strictEqual(sample.memory_pressure_some_avg10, 12.5);
  assert.ok(!('container_limit_bytes' in sample), 'nobody set one');
});

test('the whole machine is no container, and its pressure stands in for that of a group', (t) => {
  const root = fakeRoot(t, {
    'proc/self/cgroup': '4:memory:/\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '9000000000\n',
    'sys/fs/cgroup/memory/release_agent': '\n',
    'proc/pressure/memory': PRESSURE,
  });

  assert.deepStrictEqual(read(container, { root }), { memory_pressure_some_avg10: 12.5, memory_pressure_full_avg10: 4.25 });
  assert.deepStrictEqual(read(container, { root: fakeRoot(t, {}) }), {});
});

test('the kernel is asked at most once a second', (t) => {
  const root = fakeRoot(t, CONTAINER_V2);
  const [slow, quick] = [container.open({ root, minAgeMs: 3_600_000 }), container.open({ root, minAgeMs: 0 })];
  const used = (reader) => { const sample = {}; reader.read(sample, { reset: true }); return sample.container_used_bytes; };
  const before = [used(slow), used(quick)];
  writeFiles(root, { 'sys/fs/cgroup/app/memory.current': '800000000\n' });

  assert.deepStrictEqual([...before, used(slow), used(quick)], [7e8, 7e8, 7e8, 8e8]);
});

test('resident memory is split as the kernel splits it', (t) => {
  const sample = read(processSampler, { root: fakeRoot(t, CONTAINER_V2) });
  const { rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, vm_bytes, vm_data_bytes } = sample;

  assert.deepStrictEqual(
    { rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, vm_bytes, vm_data_bytes },
    {
      rss_anon_bytes: 30472 * 1024, rss_file_bytes: 23024 * 1024, rss_shmem_bytes: 4096, vm_bytes: 1243528 * 1024, vm_data_bytes: 120304 * 1024,
    },
  );
});

test('the split of this process adds up to its resident memory', { skip: process.platform !== 'linux' }, () => {
  const sample = read(processSampler, {});
  const sum = sample.rss_anon_bytes + sample.rss_file_bytes + sample.rss_shmem_bytes;

  assert.ok(Math.abs(sum / sample.rss_bytes - 1) < 0.1, `${sum} of ${sample.rss_bytes}`);
});

test('open files are counted against their limit', (t) => {
  assert.deepStrictEqual(read(fds, { root: fakeRoot(t, CONTAINER_V2) }), { fds: 3, fds_limit: 1024 });
});

test('files that this process opens are counted', { skip: process.platform !== 'linux' }, () => {
  const fs = require('node:fs');
  const before = read(fds, {}).fds;
  const opened = Array.from({ length: 50 }, () => fs.openSync(__filename));
  const now = read(fds, {}).fds;
  for (const fd of opened) fs.closeSync(fd);

  assert.strictEqual(now - before, 50);
});
