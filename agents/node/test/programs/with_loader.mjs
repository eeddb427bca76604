import { register } from 'node:module';

register('./loader_hooks.mjs', import.meta.url);
await import('./agent_seen.mjs');
setTimeout(() => {}, 600);
