'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { take } = require('../lib/snapshot/index.cjs');
const { attempts } = require('./processes.cjs');
const { folderFor, runChild, serviceFor, taking } = require('./snapshot-folders.cjs');

const isRoot = process.getuid?.() === 0;
const linuxOnly = process.platform === 'linux' ? false : 'only on Linux';

function smallDisk(t, size) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heapsleuth-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(folder);
    t.skip('no right to mount a small disk');
    return null;
  }
  t.after(() => {
    execFileSync('umount', [folder]);
    fs.rmdirSync(folder);
  });
  return folder;
}

test('a folder that does not exist is named before anything stops', async (t) => {
  const dir = path.join(folderFor(t), 'nowhere');

  await assert.rejects(take({ dir, service: serviceFor(t) }), { code: 'folder', message: /nowhere: no such folder; create it first/ });
});

test('a folder without the right to write is named, and nothing is left in it', { skip: linuxOnly }, async (t) => {
  const dir = folderFor(t);
  fs.chmodSync(dir, 0o555);
  const becomeNobody = isRoot ? 'process.setgid(65534); process.setuid(65534);' : '';
  const { result } = await runChild(becomeNobody + taking({ dir, service: serviceFor(t) }));

  assert.equal(result.error.code, 'permission');
  assert.match(result.error.text, /no permission to write there; name another folder/);
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('a disk too small is refused with figures before writing', { skip: linuxOnly }, async (t) => {
  const dir = smallDisk(t, '1m');
  if (!dir) return;

  await assert.rejects(take({ dir, service: serviceFor(t) }), (error) => {
    assert.equal(error.code, 'disk');
    assert.match(error.text, /the file would take about [\d.]+ MB \(up to [\d.]+ MB; about [\d,]+ nodes, .*\), and 1\.05 MB are free/);
    assert.equal(error.figures.free_disk_bytes, 1 << 20);
    return true;
  });
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('a disk that fills up while writing leaves neither a snapshot nor a half one', { skip: linuxOnly }, async (t) => {
  const dir = smallDisk(t, '1m');
  if (!dir) return;

  await assert.rejects(take({ dir, service: serviceFor(t), force: true }), { code: 'disk-full', message: /the disk is full/ });
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('a process killed midway leaves no final file, and the next snapshot clears what it left', { skip: linuxOnly }, async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  const partials = () => fs.readdirSync(dir).filter((name) => name.endsWith('.partial'));
  await attempts(async () => {
    for (const name of fs.readdirSync(dir)) fs.rmSync(path.join(dir, name));
    const { signal } = await runChild(`shapes.fill('nested', 40e6);${taking({ dir, service, force: true })}`, {
      onStart(child) {
        const timer = setInterval(() => {
          if (partials().length) child.kill('SIGKILL');
        }, 5);
        child.on('close', () => clearInterval(timer));
      },
    });
    // This process may get its turn only when the file is finished.
    assert.equal(signal, 'SIGKILL');
  });

  assert.equal(partials().length, 1);
  assert.deepEqual(fs.readdirSync(dir), partials());
  // The dead process still has the lock; this one takes it over.
  const result = await take({ dir, service });
  assert.deepEqual(fs.readdirSync(dir).sort(), [path.basename(result.path), path.basename(result.sidecar)]);
});

test('partial files of living processes and of other hosts are left alone', async (t) => {
  const dir = folderFor(t);
  const host = os.hostname().replace(/[^A-Za-z0-9._]+/g, '_');
  const others = [`a.heapsnapshot.${host}-${process.ppid}.partial`, 'b.heapsnapshot.elsewhere-1.partial', 'notes.partial'];
  for (const name of others) fs.writeFileSync(path.join(dir, name), '');
  await take({ dir, service: serviceFor(t) });

  assert.deepEqual(others.filter((name) => !fs.existsSync(path.join(dir, name))), []);
});

test('a heap near its limit is refused with figures, and a profile can be had instead', async (t) => {
  const dir = folderFor(t);
  const service = serviceFor(t);
  const program =
    "const alive = setInterval(() => {}, 1000);" +
    'const share = () => { const f = snapshot.preflight(); return f.heap_used_bytes / f.heap_limit_bytes; };' +
    // Few large arrays of numbers: collecting them is so quick that V8 does not give up before the limit.
    'const kept = []; while (share() < 0.905) kept.push(new Array(32768).fill(1.5));' +
    `const refused = await snapshot.take(${JSON.stringify({ dir, service })}).catch((error) => error.toJSON());` +
    `const instead = await snapshot.take(${JSON.stringify({ dir, service, profile: { seconds: 0.05 } })});` +
    'done({ refused, instead }); clearInterval(alive);';
  // On a busy machine it may all the same.
  const { result } = await attempts(async () => {
    const ended = await runChild(program, { flags: ['--max-old-space-size=100', '--max-semi-space-size=1'] });
    assert.ok(ended.result, ended.stderr);
    return ended;
  });

  assert.equal(result.refused.code, 'too-near-limit');
  assert.match(result.refused.text, /the heap is at 9\d % of its limit \([\d.]+ MB of [\d.]+ MB\)/);
  assert.equal(result.instead.kind, 'profile');
  assert.equal(result.instead.refused.code, 'too-near-limit');
  assert.ok(JSON.parse(fs.readFileSync(result.instead.path, 'utf8')).head);
  assert.deepEqual(fs.readdirSync(dir), [path.basename(result.instead.path)]);
});
