'use strict';

const { serve } = require('../leaks/serve.js');

const LINES = 60;

class Quote {
  constructor(basket) {
    this.basket = basket;
    this.lines = Array.from({ length: LINES }, (_, line) => ({ line, price: line * 1.5 }));
  }
}

// Baskets are new with every visit, so this never hits and never shrinks.
const quotesByBasket = new Map();
let visits = 0;

function quote(basket) {
  if (!quotesByBasket.has(basket)) quotesByBasket.set(basket, new Quote(basket));
  return quotesByBasket.get(basket);
}

serve(() => {
  visits += 1;
  return { lines: quote(`basket-${visits}`).lines.length };
});
