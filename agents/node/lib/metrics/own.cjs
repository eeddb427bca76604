'use strict';

// Our own metrics: fields of a sample, by the names, kinds and units they are exported under. Only what does
// not depend on who looked last: "now" and "total" of agents/protocol, no intervals.

const NOW = 'gauge';
const TOTAL = 'counter';

/** [field of the sample, name, unit, kind, help]; milliseconds become seconds. `loop_{active,idle}` come with `Samples`. */
const ROWS = Object.freeze([
  ['heap_limit_bytes', 'heap_limit', 'bytes', NOW, 'Limit of the heap, room for new objects included.'],
  ['floor_bytes', 'heap_floor', 'bytes', NOW, 'Heap in use after the last major collection.'],
  ['floor_external_bytes', 'external_floor', 'bytes', NOW, 'External memory after the last major collection.'],
  ['floor_array_buffers_bytes', 'array_buffers_floor', 'bytes', NOW, 'Array buffers after the last major collection.'],
  ['array_buffers_bytes', 'array_buffers', 'bytes', NOW, 'Array buffers; a part of external memory.'],
  ['malloced_bytes', 'malloced', 'bytes', NOW, 'Memory that V8 itself has taken.'],
  ['peak_malloced_bytes', 'malloced_peak', 'bytes', NOW, 'The most of it so far.'],
  ['native_contexts', 'native_contexts', '', NOW, 'Top-level contexts; growth means a leak.'],
  ['detached_contexts', 'detached_contexts', '', NOW, 'Contexts that are no longer in use and not yet collected.'],
  ['global_handles_used_bytes', 'global_handles_used', 'bytes', NOW, 'V8 global handles in use.'],
  ['loop_stalls_total', 'eventloop_stalls', '', TOTAL, 'Times the event loop was held up for 50 ms and more.'],
  ['loop_stalled_ms_total', 'eventloop_stalled', 'seconds', TOTAL, 'How long it was, all together.'],
  ['loop_active_ms_total', 'eventloop_active', 'seconds', TOTAL, 'How long the event loop was busy.'],
  ['loop_idle_ms_total', 'eventloop_idle', 'seconds', TOTAL, 'How long the event loop waited.'],
  ['timers', 'timers', '', NOW, 'Timers that are set.'],
  ['immediates', 'immediates', '', NOW, 'Immediates that are set.'],
  ['listeners', 'listeners', '', NOW, 'Listeners of the emitters that are watched.'],
  ['listeners_max', 'listeners_max', '', NOW, 'Most listeners of one event of one emitter.'],
  ['promises_pending', 'promises_pending', '', NOW, 'Promises that are not settled.'],
  ['requests_open', 'http_requests_open', '', NOW, 'HTTP requests under way.'],
  ['rss_anon_bytes', 'rss_anon', 'bytes', NOW, 'Resident memory that is no file: heap, buffers, stacks.'],
  ['rss_file_bytes', 'rss_file', 'bytes', NOW, 'Resident memory that is files.'],
  ['rss_shmem_bytes', 'rss_shmem', 'bytes', NOW, 'Resident memory that is shared.'],
  ['container_limit_bytes', 'container_limit', 'bytes', NOW, 'Memory limit of the container.'],
  ['container_used_bytes', 'container_used', 'bytes', NOW, 'Memory of the container in use.'],
  ['container_working_set_bytes', 'container_working_set', 'bytes', NOW, 'The same without inactive file pages.'],
  ['container_anon_bytes', 'container_anon', 'bytes', NOW, 'Memory of the container that is no file.'],
  ['container_file_bytes', 'container_file', 'bytes', NOW, 'Page cache of the container.'],
  ['container_sock_bytes', 'container_sock', 'bytes', NOW, 'Network buffers of the container.'],
  ['container_slab_bytes', 'container_slab', 'bytes', NOW, 'Kernel memory of the container.'],
  ['container_oom_total', 'container_oom', '', TOTAL, 'Times the container was out of memory.'],
  ['container_oom_kill_total', 'container_oom_kill', '', TOTAL, 'Processes of the container killed for it.'],
  ['memory_pressure_some_avg10', 'memory_pressure_some_percent', '', NOW, 'Time in which some tasks waited for memory.'],
  ['memory_pressure_full_avg10', 'memory_pressure_full_percent', '', NOW, 'Time in which all tasks waited for memory.'],
  ['agent_cpu_ms', 'agent_cpu', 'seconds', TOTAL, 'CPU time of the agent itself.'],
  ['agent_bytes', 'agent_memory', 'bytes', NOW, 'Memory of the agent itself.'],
].map(([field, name, unit, kind, help]) => Object.freeze({ field, name, unit, kind, help })));

const MS_PER_S = 1000;

/** `{name, unit, kind, help, value}` of every row that the sample has a number for. */
function ownValues(sample) {
  return ROWS.filter(({ field }) => Number.isFinite(sample[field])).map(({ field, ...row }) => ({
    ...row, value: row.unit === 'seconds' ? sample[field] / MS_PER_S : sample[field],
  }));
}

/** The same as families of the text format. */
function ownFamilies(sample) {
  return ownValues(sample).map(({ name, unit, kind, help, value }) => ({
    name: ['heapsleuth', name, unit, kind === TOTAL ? 'total' : ''].filter(Boolean).join('_'),
    type: kind,
    help,
    samples: [{ value }],
  }));
}

module.exports = { ROWS, ownFamilies, ownValues };
