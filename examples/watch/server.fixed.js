'use strict';

const { serve } = require('../leaks/serve.js');

const LINES = 60;

class Quote {
  constructor(basket) {
    this.basket = basket;
    this.lines = Array.from({ length: LINES }, (_, line) => ({ line, price: line * 1.5 }));
  }
}

const MAX_QUOTES = 1000;
const quotesByBasket = new Map();
let visits = 0;

function quote(basket) {
  if (!quotesByBasket.has(basket)) quotesByBasket.set(basket, new Quote(basket));
  // A Map keeps the order of insertion: the first key is the oldest.
  if (quotesByBasket.size > MAX_QUOTES) quotesByBasket.delete(quotesByBasket.keys().next().value);
  return quotesByBasket.get(basket);
}

serve(() => {
  visits += 1;
  return { lines: quote(`basket-${visits}`).lines.length };
});
