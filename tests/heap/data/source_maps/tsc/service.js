"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.registry = exports.bus = exports.Registry = exports.ReportEntry = void 0;
exports.add = add;
// A small service that keeps everything; positions in it are what the tests look for.
const node_events_1 = require("node:events");
class ReportEntry {
    id;
    label;
    rows = [];
    constructor(id, label) {
        this.id = id;
        this.label = label;
        this.rows.push({ id, text: label });
    }
}
exports.ReportEntry = ReportEntry;
class Registry {
    static shared = new Map();
    #hidden = [];
    keep(value) {
        return this.#hidden.push(value);
    }
}
exports.Registry = Registry;
const reportCache = new Map();
const waiters = [];
exports.bus = new node_events_1.EventEmitter();
exports.registry = new Registry();
function subscribe(row) {
    exports.bus.on('invalidate', function onInvalidate() {
        return row.id;
    });
}
async function waitFor(row) {
    await new Promise((resolve) => {
        waiters.push(resolve);
    });
    return row.id;
}
function add(id) {
    const row = { id, text: 'y' };
    reportCache.set(id, new ReportEntry(id, `x${id}`));
    Registry.shared.set(`k${id}`, row);
    exports.registry.keep(row);
    subscribe(row);
    void waitFor(row);
}
for (let i = 0; i < 5; i++)
    add(i);
//# sourceMappingURL=service.js.map