const waiting = new Set();
let isStopped = false;
export function stop() {
  isStopped = true;
  for (const resolve of waiting) resolve(STOPPED);
}

const STOPPED = Symbol('stopped');

export async function step(task) {
  if (isStopped) return null;
  let cancel;
  const stopped = new Promise((resolve) => { cancel = resolve; });
  waiting.add(cancel);
  try {
    const result = await Promise.race([task(), stopped]);
    return result === STOPPED ? null : result;
  } finally {
    waiting.delete(cancel);
  }
}
