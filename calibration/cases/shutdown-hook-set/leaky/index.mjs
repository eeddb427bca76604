const hooks = new Set();

export function onShutdown(fn) {
  hooks.add(fn);
  return () => hooks.delete(fn);
}

export async function shutdown() {
  await Promise.all([...hooks].map((fn) => fn()));
}

export const hookCount = () => hooks.size;

export async function withTransaction(db, work) {
  const tx = { id: db.next++, ops: [] };
  onShutdown(async () => { tx.ops.length = 0; });
  const result = await work(tx);
  db.committed += tx.ops.length;
  return result;
}
