'use strict';

const { Lru } = require('../cache/lru');

const pages = new Lru(300);

class Page {
  constructor(id) {
    this.id = id;
    this.html = `<h1>Product ${id}</h1>`.padEnd(500, ' ');
  }
}

function productPage(id) {
  const page = pages.get(id, (key) => new Page(key));
  return { id: page.id, bytes: page.html.length };
}

module.exports = { productPage };
