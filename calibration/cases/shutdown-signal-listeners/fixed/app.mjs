const shutdown = new AbortController();
export const { signal } = shutdown;

export function sleepish(ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    function stop() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener('abort', stop, { once: true });
  });
}

export async function poll(job) {
  job.attempts = (job.attempts ?? 0) + 1;
  await sleepish(0);
  return job.attempts;
}
