'use strict';
const _ = {
  debounce(fn, wait) {
    let timer = null;
    let last = null;
    return (...args) => {
      last = args;
      clearTimeout(timer);
      timer = setTimeout(() => { timer = null; fn(...last); }, wait);
    };
  },
};

const byDocument = new Map();
let written = 0;

exports.changed = (id, patch) => {
  let save = byDocument.get(id);
  if (!save) {
    save = _.debounce((latest) => { written += latest.rev; byDocument.delete(id); }, 700);
    byDocument.set(id, save);
  }
  save(patch);
};
exports.waiting = () => byDocument.size;
