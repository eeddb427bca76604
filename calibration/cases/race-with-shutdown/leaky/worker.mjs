let stop;
export const stopped = new Promise((resolve) => { stop = resolve; });
export { stop };

const STOPPED = Symbol('stopped');

export async function step(task) {
  const result = await Promise.race([task(), stopped.then(() => STOPPED)]);
  return result === STOPPED ? null : result;
}
