export const service = new AbortController();

export async function call(input, { signal = service.signal } = {}) {
  const own = new AbortController();
  const forward = () => own.abort(signal.reason);
  signal.addEventListener('abort', forward, { once: true });
  const timer = setTimeout(() => own.abort(new Error('timeout')), 10_000);
  try {
    await null;
    own.signal.throwIfAborted();
    return { input, ok: true };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', forward);
  }
}
