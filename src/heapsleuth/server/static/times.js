// Times in the viewer's time zone; the title keeps UTC.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const sameDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const otherDay = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export function timeText(date, now = new Date()) {
  if (date.toDateString() === now.toDateString()) { return "today " + sameDay.format(date); }
  return (date.getFullYear() === now.getFullYear() ? otherDay : otherYear).format(date);
}

export function localTimes(part) {
  const now = new Date();
  for (const one of part.querySelectorAll("time[datetime]")) {
    const date = new Date(one.dateTime);
    if (!Number.isNaN(date.getTime())) { one.textContent = timeText(date, now); }
  }
  const where = document.getElementById("zone");
  if (where) { where.textContent = "times are of " + zone; }
}
