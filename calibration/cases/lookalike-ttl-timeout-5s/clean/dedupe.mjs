const SEEN_FOR_MS = 5_000;

export class Deduplicator {
  #seen = new Set();

  isNew(id) {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    setTimeout(() => this.#seen.delete(id), SEEN_FOR_MS).unref();
    return true;
  }

  get size() { return this.#seen.size; }
}
