export class AvatarCache {
  #limit;
  #byUser = new Map();

  constructor(limit = 2000) {
    this.#limit = limit;
  }

  get(user) {
    const cached = this.#byUser.get(user);
    if (!cached) return null;
    this.#byUser.delete(user);
    this.#byUser.set(user, cached);
    return cached;
  }

  put(user, avatar) {
    this.#byUser.set(user, avatar);
    while (this.#byUser.size > this.#limit) {
      const [coldest] = this.#byUser.keys();
      this.#byUser.delete(coldest);
    }
  }

  get size() { return this.#byUser.size; }
}
export const avatars = new AvatarCache();
