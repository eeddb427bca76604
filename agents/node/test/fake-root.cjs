'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { folderFor } = require('./snapshot-folders.cjs');

/** A root folder with files as the kernel shows them, removed after the test. */
function fakeRoot(t, files) {
  const root = folderFor(t);
  writeFiles(root, files);
  return root;
}

function writeFiles(root, files) {
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
  }
}

const STATUS = `Name:\tnode
Umask:\t0022
VmPeak:\t 1300000 kB
VmSize:\t 1243528 kB
VmRSS:\t   53496 kB
RssAnon:\t   30472 kB
RssFile:\t   23024 kB
RssShmem:\t       4 kB
VmData:\t  120304 kB
Threads:\t11
`;
const PRESSURE = `some avg10=12.50 avg60=3.10 avg300=0.70 total=1234567
full avg10=4.25 avg60=1.00 avg300=0.20 total=456789
`;

/** A container as cgroup v2 shows it, in which everything is there. */
const CONTAINER_V2 = Object.freeze({
  'proc/self/status': STATUS,
  'proc/self/limits': 'Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n',
  'proc/self/fd/0': '',
  'proc/self/fd/1': '',
  'proc/self/fd/2': '',
  'proc/self/cgroup': '0::/app\n',
  'sys/fs/cgroup/app/memory.max': '1000000000\n',
  'sys/fs/cgroup/app/memory.current': '700000000\n',
  'sys/fs/cgroup/app/memory.stat': 'anon 300000000\nfile 350000000\nkernel_stack 1\nslab 40000000\nsock 9000000\nfile_mapped 7\ninactive_anon 5\ninactive_file 200000000\n',
  'sys/fs/cgroup/app/memory.events': 'low 0\nhigh 11\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n',
  'sys/fs/cgroup/app/memory.pressure': PRESSURE,
});

module.exports = { CONTAINER_V2, PRESSURE, STATUS, fakeRoot, writeFiles };
