class Revision {
  constructor(text, older) {
    this.text = text;
    this.older = older;
  }
}

export class Doc {
  current = new Revision('', null);

  edit(change) {
    this.current = new Revision(change(this.current.text), this.current);
  }

  undo() {
    if (this.current.older) this.current = this.current.older;
  }
}

export const scratchpad = new Doc();
