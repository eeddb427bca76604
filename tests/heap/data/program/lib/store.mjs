export const cache = new Map();
let own = [];
export function fill(key) {
  cache.set(key, 1);
  own.push(key);
  own[own.length] = key;
  return own;
}
export { own as renamed };
export default { thing: new Set() };
