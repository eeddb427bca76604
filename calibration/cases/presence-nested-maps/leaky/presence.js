"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Presence = void 0;
class Presence {
    rooms = new Map();
    enter(room, user, device) {
        let users = this.rooms.get(room);
        if (users === undefined) {
            users = new Map();
            this.rooms.set(room, users);
        }
        let devices = users.get(user);
        if (devices === undefined) {
            devices = new Set();
            users.set(user, devices);
        }
        devices.add(device);
    }
    leave(room, user, device) {
        this.rooms.get(room)?.get(user)?.delete(device);
    }
    online(room) {
        let n = 0;
        for (const devices of this.rooms.get(room)?.values() ?? [])
            if (devices.size > 0)
                n++;
        return n;
    }
}
exports.Presence = Presence;
