import agent from './index.cjs';

export const { armNearHeapLimit, metrics, off, on, once, snapshot, start, stop, version } = agent;
export default agent;
