import agent from './index.cjs';

export const { admin, armNearHeapLimit, exportOtlp, metrics, metricsHandler, off, on, once, prometheus, snapshot, start, stop, version } = agent;
export default agent;
