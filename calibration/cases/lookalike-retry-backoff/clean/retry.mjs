const MAX_TRIES = 4;
const waiting = new Set();
export const stats = { delivered: 0, dropped: 0 };

async function attempt(job) {
  job.tries++;
  try {
    await job.run(job.tries);
    stats.delivered++;
    waiting.delete(job);
  } catch (error) {
    job.error = error;
    if (job.tries >= MAX_TRIES) {
      stats.dropped++;
      waiting.delete(job);
      return;
    }
    setTimeout(attempt, 2 ** job.tries * 300, job);
  }
}

export function submit(name, run) {
  const job = { name, run, tries: 0, error: null };
  waiting.add(job);
  return attempt(job);
}
export const pending = () => waiting.size;
