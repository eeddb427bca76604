"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.distance = void 0;
exports.memoSize = memoSize;
function memoize(fn) {
    const memo = new Map();
    const wrapped = (a, b) => {
        const key = `${a}:${b}`;
        let value = memo.get(key);
        if (value === undefined) {
            value = fn(a, b);
            memo.set(key, value);
        }
        return value;
    };
    return { wrapped, memo };
}
const CITIES = Array.from({ length: 90 }, (_, i) => ({ x: (i * 37) % 101, y: (i * 53) % 97 }));
const { wrapped, memo } = memoize((a, b) => ({
    km: Math.hypot(CITIES[a].x - CITIES[b].x, CITIES[a].y - CITIES[b].y),
    via: [a, b],
}));
/** Between two of the cities we serve. */
exports.distance = wrapped;
function memoSize() {
    return memo.size;
}
