"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.DnsCache = void 0;
const DEFAULT_OPTIONS = { maxEntries: 20000 };
class DnsCache {
    constructor(options) {
        this.table = new Map();
        this.options = Object.assign(Object.assign({}, DEFAULT_OPTIONS), options);
    }
    resolve(host) {
        const known = this.table.get(host);
        if (known)
            return known;
        const answer = { host, addresses: ["10.1." + (host.length % 256) + ".7"], ttl: 300 };
        if (this.table.size >= this.options.maxEntries) {
            const oldest = this.table.keys().next().value;
            this.table.delete(oldest);
        }
        this.table.set(host, answer);
        return answer;
    }
    get size() {
        return this.table.size;
    }
}
exports.DnsCache = DnsCache;
