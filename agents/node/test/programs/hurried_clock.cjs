'use strict';

// Date runs ahead by as many minutes as the program says.
globalThis.minutes = 0;
const { now } = Date;
Date.now = () => now() + globalThis.minutes * 60_000;
