const IDLE_MS = 2_000;

export class Sessions {
  #byId = new Map();
  #timer;

  constructor() {
    this.#timer = setInterval(() => {
      const limit = Date.now() - IDLE_MS;
      for (const session of this.#byId.values()) {
        if (session.lastSeen < limit) this.destroy(session.id);
      }
    }, 500);
    this.#timer.unref();
  }

  get(id) {
    let session = this.#byId.get(id);
    if (!session) {
      session = { id, lastSeen: 0, data: { views: 0, flash: [] } };
      this.#byId.set(id, session);
    }
    session.lastSeen = Date.now();
    return session;
  }

  destroy(id) { this.#byId.delete(id); }
  get count() { return this.#byId.size; }
}
