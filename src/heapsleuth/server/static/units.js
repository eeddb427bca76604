// Values as the server prints them: decimal bytes, three digits.
function digits(value) {
  const size = Math.abs(value);
  if (size >= 99.95) { return Math.round(value).toLocaleString("en"); }
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

function bytes(value) {
  for (const [step, unit] of [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (Math.abs(value) >= step * 0.9995) { return digits(value / step) + " " + unit; }
  }
  return Math.round(value) + " B";
}

function milliseconds(value) {
  if (value >= 1000) { return digits(value / 1000) + " s"; }
  return (value >= 10 ? value.toFixed(0) : value.toFixed(1)) + " ms";
}

function share(value) {
  const percent = value * 100;
  return (percent > 0 && percent < 1 ? percent.toFixed(1) : percent.toFixed(0)) + " %";
}

function rate(value) { return (value >= 10 ? Math.round(value).toLocaleString("en") : value.toFixed(1)) + "/s"; }

const forms = { bytes, count: (value) => Math.round(value).toLocaleString("en"), ms: milliseconds, share, "per second": rate };

export function valueText(unit, value) {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : forms[unit](value);
}

// Ticks of one axis in one unit, with as many digits as tell them apart.
export function axisTexts(unit, ticks) {
  const top = Math.max(...ticks.map(Math.abs));
  let factor = 1, name = "";
  if (unit === "bytes") {
    [factor, name] = [[1e12, " TB"], [1e9, " GB"], [1e6, " MB"], [1e3, " kB"], [1, " B"]].find(([step]) => top >= step || step === 1);
  } else if (unit === "ms") {
    [factor, name] = top >= 2000 ? [1000, " s"] : [1, " ms"];
  } else if (unit === "share") {
    [factor, name] = [0.01, " %"];
  } else if (unit === "per second") {
    name = "/s";
  }
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) / factor : 1;
  let decimals = 0;
  while (decimals < 4 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) { decimals += 1; }
  return ticks.map((tick) => tick === 0 ? "0" : (tick / factor).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }) + name);
}
