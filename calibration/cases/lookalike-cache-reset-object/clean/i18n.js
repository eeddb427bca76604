'use strict';
var cache = {};
var cached = 0;

module.exports = function translate(lang, key, params) {
  var id = lang + '|' + key + '|' + JSON.stringify(params || null);
  if (!cache[id]) {
    // Rather start over than keep track of use.
    if (++cached > 3000) {
      cache = {};
      cached = 1;
    }
    cache[id] = { text: key.replace(/_/g, ' ') + ' ' + JSON.stringify(params), lang: lang };
  }
  return cache[id].text;
};
module.exports.size = function () { return cached; };
