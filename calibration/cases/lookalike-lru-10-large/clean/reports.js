'use strict';
const MAX_REPORTS = 10;
const reports = new Map();

exports.get = function (day) {
  let report = reports.get(day);
  if (report) {
    reports.delete(day);
  } else {
    report = { day, rows: Array.from({ length: 400 }, (_, i) => ({ hour: i % 24, total: day * i })) };
  }
  reports.set(day, report);
  if (reports.size > MAX_REPORTS) reports.delete(reports.keys().next().value);
  return report;
};
exports.size = () => reports.size;
