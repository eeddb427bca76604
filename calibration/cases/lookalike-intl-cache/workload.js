'use strict';
const path = require('path');
const { pathToFileURL } = require('url');
const LOCALES = ['de-DE', 'de-AT', 'en-GB', 'en-US', 'fr-FR', 'fr-CA', 'es-ES', 'it-IT', 'pt-BR', 'nl-NL', 'sv-SE', 'da-DK', 'pl-PL', 'cs-CZ', 'fi-FI', 'ja-JP'];
const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'SEK', 'DKK', 'PLN', 'CZK', 'JPY', 'CAD', 'BRL', 'AUD'];
let app, seq = 0;
exports.params = { warmup: 20, k: 60 };
exports.setup = async () => { app = await import(pathToFileURL(path.join(process.env.VARIANT_DIR || process.cwd(), 'format.mjs')).href); };
exports.iterate = async (n) => {
  for (let i = 0; i < n; i++) {
    const reach = Math.min(192, 8 + Math.floor(seq++ / 6));
    const pick = (i * 31) % reach;
    app.money(12.5 + i, LOCALES[pick % 16], CURRENCIES[(pick / 16) | 0]);
    app.matches('the quick brown fox', 'word' + pick);
  }
};
exports.probe = () => app.cached();
