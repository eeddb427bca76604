export class Store {
  #state;
  #listeners = [];

  constructor(initial) {
    this.#state = initial;
  }

  getState() {
    return this.#state;
  }

  dispatch(change) {
    this.#state = { ...this.#state, ...change };
    for (const { listener } of this.#listeners) listener(this.#state);
  }

  subscribe(listener) {
    const entry = { listener, active: true };
    this.#listeners.push(entry);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  get listenerCount() {
    return this.#listeners.length;
  }
}

export const store = new Store({ ticks: 0 });

export function renderOnce(view) {
  const unsubscribe = store.subscribe((state) => { view.ticks = state.ticks; });
  view.html = `<p>${store.getState().ticks}</p>`;
  unsubscribe();
  return view.html;
}
