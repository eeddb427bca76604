'use strict';
// Runs a workload module for `heapsleuth check`: one command a line comes in on one file descriptor,
// one answer a line goes out on another.  Standard input and output stay the workload's own.
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const v8 = require('node:v8');
const vm = require('node:vm');
const { pathToFileURL } = require('node:url');

const [commandsFd, answersFd] = process.env.HEAPSLEUTH_RUNNER_FDS.split(',').map(Number);
delete process.env.HEAPSLEUTH_RUNNER_FDS;

// The flag may be set at run time; only contexts made afterwards get the function.
v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const answer = (message) => fs.writeSync(answersFd, `${JSON.stringify(message)}\n`);

let workload;
let settleMs = 60;

async function load(file) {
  let module;
  try {
    module = require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    module = await import(pathToFileURL(file).href);
  }
  if (typeof module.iterate !== 'function' && typeof module.default?.iterate === 'function') module = module.default;
  if (typeof module.iterate !== 'function') {
    const found = Object.keys(module).join(', ') || 'nothing';
    throw Object.assign(new Error(`expected a function iterate(n), found ${found}`), { code: 'NO_ITERATE' });
  }
  return module;
}

// A pause for timers and sockets, then collections until what one frees has let go of the next.
async function settle() {
  await sleep(settleMs);
  for (let i = 0; i < 4; i++) { collect(); await turn(); }
  await sleep(10);
  collect();
  collect();
}

const commands = {
  async load({ file }) {
    workload = await load(path.resolve(file));
    const params = workload.params ?? {};
    if (params.settleMs !== undefined) settleMs = params.settleMs;
    if (workload.setup) await workload.setup();
    return { params, node: process.version, pid: process.pid };
  },
  async iterate({ n }) {
    const start = process.hrtime.bigint();
    await workload.iterate(n);
    return { ms: Number(process.hrtime.bigint() - start) / 1e6 };
  },
  async read() {
    await settle();
    const memory = process.memoryUsage();
    return {
      heap_used: memory.heapUsed,
      external: memory.external,
      array_buffers: memory.arrayBuffers,
      rss: memory.rss,
      heap_limit: v8.getHeapStatistics().heap_size_limit,
    };
  },
  async snapshot({ file }) {
    await sleep(5); // in a job of its own, so that no stack and no weak reference is held
    v8.writeHeapSnapshot(file);
    return {};
  },
  async teardown() {
    if (workload?.teardown) await Promise.race([workload.teardown(), sleep(2000)]);
    return {};
  },
};

const describe = (error) => ({
  code: error?.code ?? error?.name ?? 'Error',
  text: String(error?.message ?? error),
  stack: String(error?.stack ?? '').split('\n').slice(0, 8).join('\n'),
});

process.on('warning', () => {}); // a MaxListenersExceededWarning is what we are here to find out
// A socket, not a file stream: a pending file read would keep process.exit() waiting.
const lines = readline.createInterface({ input: new net.Socket({ fd: commandsFd, readable: true, writable: false }) });
let queue = Promise.resolve();
lines.on('line', (line) => {
  queue = queue.then(async () => {
    const command = JSON.parse(line);
    try {
      answer({ id: command.id, ok: true, ...(await commands[command.type](command)) });
    } catch (error) {
      answer({ id: command.id, ok: false, error: describe(error) });
    }
  });
});
lines.on('close', () => queue.then(() => process.exit(0)));
