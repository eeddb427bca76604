'use strict';
// Quotes are good for three seconds. Insertion order is order of age, so looking at the front is enough.
const GOOD_FOR = 3000;
const quotes = new Map();

function dropStale(now) {
  for (const [id, quote] of quotes) {
    if (now - quote.at < GOOD_FOR) break;
    quotes.delete(id);
  }
}

exports.quote = (id, amount) => {
  const now = Date.now();
  dropStale(now);
  const made = { id, amount, price: amount * 1.19, lines: [`net ${amount}`, 'vat 19%'], at: now };
  quotes.set(id, made);
  return made;
};
exports.size = () => quotes.size;
