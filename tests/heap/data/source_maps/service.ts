// A small service that keeps everything; positions in it are what the tests look for.
import { EventEmitter } from 'node:events';

interface Row { id: number; text: string }

export class ReportEntry {
  readonly rows: Row[] = [];
  constructor(public id: number, private label: string) {
    this.rows.push({ id, text: label });
  }
}

export class Registry<T> {
  static readonly shared = new Map<string, unknown>();
  #hidden: T[] = [];
  keep(value: T): number {
    return this.#hidden.push(value);
  }
}

const reportCache: Map<number, ReportEntry> = new Map();
const waiters: Array<(value: unknown) => void> = [];
export const bus = new EventEmitter();
export const registry = new Registry<Row>();

function subscribe(row: Row): void {
  bus.on('invalidate', function onInvalidate() {
    return row.id;
  });
}

async function waitFor(row: Row): Promise<number> {
  await new Promise((resolve) => {
    waiters.push(resolve);
  });
  return row.id;
}

export function add(id: number): void {
  const row = { id, text: 'y' };
  reportCache.set(id, new ReportEntry(id, `x${id}`));
  Registry.shared.set(`k${id}`, row);
  registry.keep(row);
  subscribe(row);
  void waitFor(row);
}

for (let i = 0; i < 5; i++) add(i);
