"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.TenantRegistry = void 0;
class Tenant {
    constructor(id) {
        this.id = id;
        this.settings = new Map();
        this.flags = new Set();
    }
    setting(name) {
        let value = this.settings.get(name);
        if (value === undefined) {
            value = { name, value: `${this.id}/${name}`, source: "default" };
            this.settings.set(name, value);
        }
        return value;
    }
}
class TenantRegistry {
    constructor() {
        this.tenants = new Map();
    }
    for(id) {
        let tenant = this.tenants.get(id);
        if (!tenant) {
            tenant = new Tenant(id);
            this.tenants.set(id, tenant);
        }
        return tenant;
    }
    get settings() {
        let n = 0;
        for (const tenant of this.tenants.values())
            n += tenant.settings.size;
        return n;
    }
}
exports.TenantRegistry = TenantRegistry;
