"use strict";
var __classPrivateFieldGet = (this && this.__classPrivateFieldGet) || function (receiver, state, kind, f) {
    if (kind === "a" && !f) throw new TypeError("Private accessor was defined without a getter");
    if (typeof state === "function" ? receiver !== state || !f : !state.has(receiver)) throw new TypeError("Cannot read private member from an object whose class did not declare it");
    return kind === "m" ? f : kind === "a" ? f.call(receiver) : f ? f.value : state.get(receiver);
};
var _AuditLog_clock;
Object.defineProperty(exports, "__esModule", { value: true });
exports.AuditLog = void 0;
class AuditLog {
    constructor(clock) {
        _AuditLog_clock.set(this, void 0);
        _AuditLog_clock.set(this, clock);
    }
    /** Records logins that look odd; everything else passes. */
    login(user, ip, failures) {
        if (failures < 3)
            return false;
        AuditLog.suspicious.push({
            user,
            ip,
            failures,
            at: __classPrivateFieldGet(this, _AuditLog_clock, "f").call(this),
            reasons: [`failures:${failures}`, `ip:${ip}`],
        });
        return true;
    }
    static latest(n = 20) {
        return AuditLog.suspicious.slice(-n);
    }
}
exports.AuditLog = AuditLog;
_AuditLog_clock = new WeakMap();
AuditLog.suspicious = [];
