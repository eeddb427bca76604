const shutdown = new AbortController();
export const { signal } = shutdown;

export function sleepish(ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

export async function poll(job) {
  job.attempts = (job.attempts ?? 0) + 1;
  await sleepish(0);
  return job.attempts;
}
