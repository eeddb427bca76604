const GENERATION = 4000;
let young = new Set();
let old = new Set();

export function seen(id) {
  if (young.has(id)) return true;
  const before = old.has(id);
  young.add(id);
  if (young.size >= GENERATION) {
    old = young;
    young = new Set();
  }
  return before;
}
export const remembered = () => young.size + old.size;
