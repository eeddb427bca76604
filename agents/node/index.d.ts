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

/** Starts the agent in this thread. Returns false when it runs already. */
export function start(options?: StartOptions): boolean;

/** Stops the agent of this thread. Returns false when none runs. */
export function stop(): boolean;

/** Writes a heap snapshot; rejects with a `SnapshotError` when it is refused or fails. */
export function snapshot(options?: SnapshotOptions): Promise<SnapshotResult>;

/** Arms V8's own snapshot at the heap limit. Never throws. */
export function armNearHeapLimit(): NearLimit;

/** One sample now. Metrics by interval begin with the last sample sent, or with `start`. */
export function metrics(): Sample;

export const version: string;
