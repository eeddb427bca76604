import type { IncomingMessage, ServerResponse } from 'node:http';

/** Options of `start`; each overrides the environment variable of the same meaning. */
export interface StartOptions {
  /** Address of the collector; without one nothing is sent. `HEAPSLEUTH_COLLECTOR` */
  collector?: string;
  /** Bearer token for the collector. `HEAPSLEUTH_TOKEN` */
  token?: string;
  /** Default: the package's name, else the script's. `HEAPSLEUTH_SERVICE` */
  service?: string;
  /** Default: the package's version. `HEAPSLEUTH_RELEASE` */
  release?: string;
  /** Milliseconds between samples. Default 30,000. `HEAPSLEUTH_INTERVAL_MS` */
  intervalMs?: number;
  /** Folder for snapshots. Default: the working directory. `HEAPSLEUTH_SNAPSHOT_DIR` */
  snapshotDir?: string;
  /** Signal that takes a snapshot, or `none`. Default SIGUSR2. `HEAPSLEUTH_SNAPSHOT_SIGNAL` */
  snapshotSignal?: string;
  /** Share of the heap limit at which a snapshot is taken; 0 is off. Default 0.85. `HEAPSLEUTH_SNAPSHOT_THRESHOLD` */
  snapshotThreshold?: number;
  /** Milliseconds between two of those. Default 300,000. `HEAPSLEUTH_SNAPSHOT_COOLDOWN_MS` */
  snapshotCooldownMs?: number;
  /** Arm V8's snapshot at the heap limit. Default false. `HEAPSLEUTH_NEAR_LIMIT` */
  nearLimit?: boolean;
  /** `leak`, rule by samples: how many are looked at together. Default 10. `HEAPSLEUTH_LEAK_WINDOW` */
  leakWindow?: number;
  /** The same: bytes per sample that are too much. Default 5,000,000. `HEAPSLEUTH_LEAK_GROWTH_BYTES` */
  leakGrowthBytes?: number;
  /** `gc`: milliseconds of a pause that are told. Default 100. `HEAPSLEUTH_GC_PAUSE_MS` */
  gcPauseMs?: number;
  /** `loop`: milliseconds of delay at p99 that are told. Default 50. `HEAPSLEUTH_LOOP_DELAY_MS` */
  loopDelayMs?: number;
  /** `loop`: milliseconds that are looked at together. Default 60,000. `HEAPSLEUTH_LOOP_WINDOW_MS` */
  loopWindowMs?: number;
  /** `alert`: share of the heap's or container's limit; 0 is off. Default 0.7. `HEAPSLEUTH_ALERT_SHARE` */
  alertShare?: number;
  /** Milliseconds between two censuses of handles, listeners and timers; 0 is off. Default 300,000. `HEAPSLEUTH_CENSUS_MS` */
  censusMs?: number;
  /** Milliseconds of a stall from which on the next ones are profiled; 0 is off. Default 1,000. `HEAPSLEUTH_BLOCKED_MS` */
  blockedMs?: number;
  /** Report the slowest requests and when the event loop stood still. Default true. `HEAPSLEUTH_STALLS` */
  stalls?: boolean;
  /** See every listener that is added, and where. Costs a stack trace now and then. Default false. `HEAPSLEUTH_LISTENERS` */
  listeners?: boolean;
  /** Count pending promises. Costs time at every promise. Default false. `HEAPSLEUTH_PROMISES` */
  promises?: boolean;
  /** Export to OpenTelemetry: an address, or true for `OTEL_EXPORTER_OTLP_ENDPOINT`. Default off. `HEAPSLEUTH_OTLP` */
  otlp?: boolean | string | null;
}

export interface SnapshotOptions {
  /** Folder; the file is named for service, release, process, time and reason. */
  dir?: string;
  /** The file itself. */
  path?: string;
  /** Part of the file's name. Default `api`. */
  reason?: string;
  /** Take it even if it is predicted not to fit. */
  force?: boolean;
  /** Milliseconds that must have passed since the service's last snapshot. Default 0. */
  cooldownMs?: number;
  /** Where a snapshot does not fit, write a sampling heap profile instead of rejecting. */
  profile?: boolean | { seconds?: number };
  /** V8's internal objects as well (Node 20 and later). */
  exposeInternals?: boolean;
  /** Values of numbers as well (Node 20 and later). */
  exposeNumericValues?: boolean;
  /** Longest string kept, in characters. */
  stringLimit?: number;
  service?: string;
  release?: string;
  /** Counts of work done so far, kept beside the snapshot; `work` is what growth is judged by. */
  counters?: Record<string, number>;
}

export interface PredictedCost {
  nodes: number;
  /** Milliseconds the thread will stand still. */
  pause_ms: number;
  /** The part of it that is work, on whatever machine and however busy. */
  pause_cpu_ms: number;
  /** Memory needed beyond what is in use. */
  extra_bytes: number;
  file_bytes: number;
}

export interface SnapshotResult {
  kind: 'snapshot' | 'profile';
  path: string;
  bytes: number;
  nodes?: number;
  edges?: number;
  pause_ms?: number;
  predicted?: PredictedCost;
  /** Why it is a profile. */
  refused?: { code: string; text: string; figures: Record<string, unknown> };
  [detail: string]: unknown;
}

/** What `snapshot` rejects with. */
export interface SnapshotError extends Error {
  /** `busy`, `cooldown`, `too-near-limit`, `memory`, `disk`, `folder`, `permission`, … */
  code: string;
  figures: Record<string, unknown>;
}

export interface NearLimit {
  armed: boolean;
  /** Where Node will write it. */
  folder?: string;
  predicted?: PredictedCost;
  code?: string;
  text?: string;
  figures?: Record<string, unknown>;
}

/** Numbers by metric name, as in the protocol; `at_ms` is when. */
export interface Sample {
  at_ms: number;
  heap_used_bytes: number;
  heap_total_bytes: number;
  heap_limit_bytes: number;
  external_bytes: number;
  array_buffers_bytes: number;
  [metric: string]: number;
}

/** The heap may be leaking. Both rules are hints: the collector's verdict knows more. */
export interface LeakEvent {
  /** Bytes gained from `start` to `end`. */
  growth: number;
  /** For people. */
  reason: string;
  start: Date;
  end: Date;
  span_ms: number;
  bytes_per_hour: number;
  /** `window`: heap used grew from sample to sample. `floor`: what major collections leave grew steadily. */
  rule: 'window' | 'floor';
}

/** After major collections. Named as in memwatch; sizes in bytes, of the heap that collections left. */
export interface StatsEvent {
  at: Date;
  /** Major collections since the first listener. */
  num_full_gc: number;
  /** All others: minor, incremental, weak callbacks. */
  num_inc_gc: number;
  /** The same as `num_full_gc`: V8 no longer counts compactions on their own. */
  heap_compactions: number;
  base: number;
  current_base: number;
  /** Moving average over 10 collections. */
  estimated_base: number;
  min: number;
  max: number;
  /** Percent by which that is above the moving average over 120. */
  usage_trend: number;
}

/** A collection that stopped the program for longer than `gcPauseMs`. */
export interface GcEvent {
  at: Date;
  kind: 'major' | 'minor' | 'incremental' | 'weakcb';
  pause_ms: number;
  /** By `gc()`, an inspector or a snapshot. */
  forced: boolean;
}

/** A window in which the event loop came round later than `loopDelayMs`. */
export interface LoopEvent {
  at: Date;
  window_ms: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
  /** 0 to 1. */
  utilization: number;
  /** Times the loop was held up for 50 ms and more, and for how long together. */
  stalls: number;
  stalled_ms: number;
  /** `p99`: of the loop's turns one in a hundred. `stalls`: more than a hundredth of the time, in few long blocks. */
  reason: 'p99' | 'stalls';
}

/** `alertShare` of the heap's or container's limit is in use. Told again after it was a tenth lower. */
export interface AlertEvent {
  at: Date;
  kind: 'heap' | 'container';
  share: number;
  threshold: number;
  /** Of the heap: its old generation. Of the container: its working set. */
  used_bytes: number;
  limit_bytes: number;
  heap_used_bytes: number;
  /** What the last major collection left; null before the first. */
  floor_bytes: number | null;
}

export interface EventByName {
  alert: AlertEvent;
  gc: GcEvent;
  leak: LeakEvent;
  loop: LoopEvent;
  stats: StatsEvent;
}

/** May throw or reject: that is counted and goes no further. */
export type Listener<Name extends keyof EventByName> = (event: Readonly<EventByName[Name]>) => unknown;

/** Calls `listener` at every event of that name; returns what ends it. Works without `start`. Keeps no process alive. */
export function on<Name extends keyof EventByName>(name: Name, listener: Listener<Name>): () => boolean;

/** Calls `listener` at the next event of that name; returns what takes that back. */
export function once<Name extends keyof EventByName>(name: Name, listener: Listener<Name>): () => boolean;

/** Ends what `on` or `once` began; says whether there was something. */
export function off<Name extends keyof EventByName>(name: Name, listener: Listener<Name>): boolean;

export interface PrometheusOptions {
  /** Comes before the names that prom-client has too, as there. */
  prefix?: string;
  /** Labels of every sample. */
  labels?: Record<string, string | number>;
  /** Upper bounds in seconds; the first call's count. Default 0.001, 0.01, 0.1, 1, 2, 5. */
  gcDurationBuckets?: number[];
  /** False leaves out what prom-client has too, for a page that it is on as well. Default true. */
  defaultMetrics?: boolean;
}

/** The page for Prometheus: prom-client's default metrics and ours. Counts begin with the first call. */
export function prometheus(options?: PrometheusOptions): Promise<string>;

/** A handler that answers with that page; for http, Express, Nest. It does not look at the path, and asks nobody who he is. */
export function metricsHandler(options?: PrometheusOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Each overrides the OTEL_… variable of the same meaning. */
export interface OtlpOptions {
  /** `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`, or `OTEL_EXPORTER_OTLP_ENDPOINT`, to which /v1/metrics is added. Default http://localhost:4318. True: the environment's. */
  endpoint?: string | true;
  headers?: Record<string, string>;
  /** Default 60,000. `OTEL_METRIC_EXPORT_INTERVAL` */
  intervalMs?: number;
  /** Default 10,000. `OTEL_EXPORTER_OTLP_TIMEOUT` */
  timeoutMs?: number;
  /** Default cumulative. `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` */
  temporality?: 'cumulative' | 'delta' | 'lowmemory';
  /** `OTEL_SERVICE_NAME` comes first. */
  service?: string;
  release?: string;
  /** Of the resource, beside `OTEL_RESOURCE_ATTRIBUTES`. */
  attributes?: Record<string, string | number | boolean>;
}

export interface OtlpExport {
  /** Exports now; resolves with whether it was taken. Never rejects. The process stays alive until then. */
  flush(): Promise<boolean>;
  stop(): void;
}

/** Exports nodejs.*, v8js.*, process.* and heapsleuth.* metrics by OTLP/HTTP as JSON. Keeps no process alive. One per thread: a second call returns the first one's. */
export function exportOtlp(options?: OtlpOptions): OtlpExport;

/** What an audit log is told of a request to an admin endpoint, refused or not. */
export interface AuditEntry {
  /** ISO 8601, UTC. */
  at: string;
  action: 'memory' | 'gc' | 'handles' | 'snapshot' | 'list' | 'download' | 'delete' | 'none';
  /** What `authorize` called him, `token`, or null. */
  actor: string | null;
  method: string;
  /** Behind the prefix. */
  path: string;
  remote: string | null;
  status: number;
  /** Of a refusal. */
  code?: string;
  /** Of a snapshot. */
  name?: string;
  bytes?: number;
}

/** `true`, or a name for the audit log, lets in; anything else does not. */
export type Authorization = boolean | string | { actor: string } | null | undefined;

export interface AdminOptions<Request = any> {
  /** Says who may. Gets the framework's own request: of http, Express or Fastify, or Koa's context. One of this and `token` has to be given; of both, both are asked. */
  authorize?: (request: Request) => Authorization | Promise<Authorization>;
  /** Expected as `authorization: Bearer TOKEN`; at least 16 characters. */
  token?: string;
  /** Default /diagnostics. */
  prefix?: string;
  /** Folder for snapshots. Default: the agent's `snapshotDir`. */
  dir?: string;
  /** Where a snapshot does not fit, write a sampling heap profile instead of refusing. */
  profile?: boolean | { seconds?: number };
  /** Milliseconds that must have passed since the service's last snapshot. Default 0. */
  cooldownMs?: number;
  /** Told of every request. Default: what changes something or takes data out is a line on standard error. False: nothing. */
  audit?: false | ((entry: Readonly<AuditEntry>) => unknown);
}

export interface AdminRouter {
  /** For http, Express and Nest. Without `next`, what is not below the prefix is answered with 404. */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): unknown;
  /** Whether a request is for it; for a server of one's own. */
  matches(request: { url?: string }): boolean;
  /** `app.use(admin.koa)` */
  koa(context: any, next: () => Promise<any>): Promise<any>;
  /** `app.register(admin.fastify)` */
  fastify(instance: any): Promise<void>;
}

/** The admin endpoints: memory, gc, handles, heap snapshots. Throws a TypeError without `authorize` or a good `token`. */
export function admin<Request = any>(options: AdminOptions<Request>): AdminRouter;

/** Starts the agent in this thread. Returns false when it runs already. */
export function start(options?: StartOptions): boolean;

/** Stops the agent of this thread and everything else that was begun here. Returns false when there was nothing. */
export function stop(): boolean;

/** Writes a heap snapshot; rejects with a `SnapshotError` when it is refused or fails. */
export function snapshot(options?: SnapshotOptions): Promise<SnapshotResult>;

/** Arms V8's own snapshot at the heap limit. Never throws. */
export function armNearHeapLimit(): NearLimit;

/** One sample now. Metrics by interval begin with the last sample sent, or with `start`. */
export function metrics(): Sample;

export const version: string;
