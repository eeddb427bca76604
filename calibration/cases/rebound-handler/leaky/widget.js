'use strict';

class Theme extends EventTarget {
  set(name) {
    this.name = name;
    this.dispatchEvent(new Event('change'));
  }
}

const theme = new Theme();

class Panel {
  constructor(title) {
    this.title = title;
    this.rows = [title, title.length];
    this.repaints = 0;
  }

  mount() {
    theme.addEventListener('change', this.repaint.bind(this));
    return this;
  }

  unmount() {
    theme.removeEventListener('change', this.repaint.bind(this));
  }

  repaint() {
    this.repaints += 1;
  }
}

module.exports = { Panel, theme };
