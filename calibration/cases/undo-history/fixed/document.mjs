class Revision {
  constructor(text, older) {
    this.text = text;
    this.older = older;
  }
}

const UNDO_STEPS = 100;

export class Doc {
  current = new Revision('', null);
  #steps = 0;

  edit(change) {
    this.current = new Revision(change(this.current.text), this.current);
    if (++this.#steps > 2 * UNDO_STEPS) this.#trim();
  }

  undo() {
    if (this.current.older) this.current = this.current.older;
  }

  #trim() {
    let last = this.current;
    for (let i = 0; i < UNDO_STEPS; i++) last = last.older;
    last.older = null;
    this.#steps = UNDO_STEPS;
  }
}

export const scratchpad = new Doc();
