const formatters = new Map();

export function money(amount, locale, currency) {
  const key = `${locale}/${currency}`;
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.NumberFormat(locale, { style: 'currency', currency });
    formatters.set(key, formatter);
  }
  return formatter.format(amount);
}

const patterns = {};
export const matches = (text, word) => (patterns[word] ||= new RegExp(`\\b${word}\\b`, 'iu')).test(text);
export const cached = () => formatters.size + Object.keys(patterns).length;
