// Every part of the agent's API, as TypeScript sees it; compiled by tests/test_agent_exports.py, never run.

import { createServer } from 'node:http';

import heapsleuth, { admin, exportOtlp, metrics, metricsHandler, off, on, once, prometheus, snapshot, start, stop } from '../../agents/node/index';

const started: boolean = start({ service: 'shop', gcPauseMs: 50, alertShare: 0.8, otlp: true });
const used: number = metrics().heap_used_bytes;

const end: () => boolean = on('leak', ({ growth, reason, start: from, end: until, bytes_per_hour, rule }) => {
  const hours: number = growth / bytes_per_hour;
  const text: string = `${reason} ${rule === 'floor'} ${hours} ${until.getTime() - from.getTime()}`;
  return Promise.resolve(text);
});
once('stats', (stats) => console.log(stats.num_full_gc, stats.estimated_base, stats.usage_trend));
off('gc', ({ kind }) => kind === 'major');
on('alert', ({ kind, floor_bytes }) => [kind, floor_bytes === null ? 0 : floor_bytes]);
// @ts-expect-error There is no such event.
on('leek', () => {});
// @ts-expect-error An event cannot be changed.
on('loop', (event) => { event.p99_ms = 0; });

const page: Promise<string> = prometheus({ prefix: 'app_', labels: { shard: 1 }, defaultMetrics: false });
const handler = metricsHandler();
const { flush, stop: stopExport } = exportOtlp({ endpoint: 'http://otel:4318', temporality: 'delta' });
const taken: Promise<boolean> = flush();

// @ts-expect-error A router cannot be mounted without options.
admin();
const router = admin<{ user?: { name: string; roles: string[] } }>({
  authorize: async ({ user }) => user?.roles.includes('admin') ? { actor: user.name } : false,
  audit: ({ action, status }) => console.log(action, status),
});
createServer((request, response) => {
  if (router.matches(request)) router(request, response);
  else void handler(request, response);
});

const written: Promise<{ path: string; bytes: number }> = snapshot({ dir: '/var/dumps' });
heapsleuth.stop() === stop();
export { end, page, started, stopExport, taken, used, written };
