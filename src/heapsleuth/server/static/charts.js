// Charts of a service's page: uPlot with bands, limits, the forecast's cone and marks; read by keyboard, too.
import { axisTexts, valueText } from "./units.js";
import { timeText } from "./times.js";

const HEIGHTS = { wide: 260, small: 190 };
const MARKS = { deploy: "--mark-deploy", restart: "--mark-restart", incident: "--mark-incident" };
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

// Custom properties with `light-dark()` are text; only a real property of an element has a colour.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);
function colour(name, alpha = 1) {
  probe.style.color = "var(" + name + ")";
  const found = getComputedStyle(probe).color.match(/[\d.]+/g);
  return "rgba(" + found.slice(0, 3).join(",") + "," + alpha + ")";
}

function bars(one) { return one.low && one.high; }

// uPlot's columns and options of one panel.
function plan(panel, data) {
  const columns = [panel.x], series = [{}], bands = [], readable = [];
  const tone = (one) => "--" + (one.role.startsWith("cone") ? "cone" : one.tone);
  for (const one of panel.series) {
    if (bars(one)) {
      columns.push(one.high, one.low);
      series.push({ stroke: () => "transparent", points: { show: false } }, { stroke: () => "transparent", points: { show: false } });
      bands.push({ series: [columns.length - 2, columns.length - 1], fill: () => colour(tone(one), 0.14) });
    }
  }
  for (const one of panel.series) {
    columns.push(one.values);
    const cone = one.role.startsWith("cone");
    series.push({
      label: one.label,
      stroke: () => colour(tone(one), one.role === "limit" || cone ? 0.9 : 1),
      width: one.role === "limit" || cone ? 1.25 : 2,
      dash: one.role === "limit" ? [7, 5] : cone ? [3, 3] : undefined,
      // Two stretches with nothing between them are two lines; a missed bucket is not.
      spanGaps: false,
      gaps: (plot, number, first, last, found) => found.filter(([left, right]) => right - left > usual(plot, number)),
      points: { show: one.values.filter((value) => value !== null).length < 3, size: 5 },
    });
    if (one.role === "cone-high") {
      bands.push({ series: [columns.length - 1, columns.length - 2], fill: () => colour("--cone", 0.16) });
    }
    if (!cone) { readable.push([columns.length - 1, one, tone(one)]); }
  }
  return { columns, series, bands, readable, now: data.now };
}

// Pixels between three values and a half of a series: what is shorter is no gap, but rarer samples than buckets.
function usual(plot, number) {
  const x = plot.data[0], y = plot.data[number], steps = [];
  let before = -1;
  for (let i = 0; i < y.length; i++) {
    if (y[i] !== null) {
      if (before >= 0) { steps.push(x[i] - x[before]); }
      before = i;
    }
  }
  steps.sort((a, b) => a - b);
  const step = steps.length ? steps[steps.length >> 1] * 3.5 : 0;
  return plot.valToPos(x[0] + step, "x", true) - plot.valToPos(x[0], "x", true);
}

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
function timeTicks(plot, ticks, axis, space, step) {
  return ticks.map(function (tick) {
    const date = new Date(tick * 1000);
    return step >= 86400 || date.getHours() + date.getMinutes() === 0 ? day.format(date) : hour.format(date);
  });
}

function drawMarks(plot, data, first) {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = 11 * ratio + "px " + getComputedStyle(document.body).fontFamily;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  let free = -Infinity;
  for (const mark of data.markers.slice().sort((a, b) => a.at - b.at)) {
    if (mark.at < plot.scales.x.min || mark.at > plot.scales.x.max) { continue; }
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    ctx.strokeStyle = ctx.fillStyle = colour(MARKS[mark.kind], mark.kind === "restart" ? 0.7 : 0.9);
    ctx.lineWidth = ratio;
    if (mark.kind === "restart") {
      ctx.fillRect(x - ratio, bbox.top + bbox.height - 7 * ratio, 2 * ratio, 7 * ratio);
      continue;
    }
    ctx.setLineDash(mark.kind === "deploy" ? [] : [2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (mark.kind === "incident") {
      ctx.beginPath();
      ctx.moveTo(x - 4 * ratio, bbox.top - 6 * ratio);
      ctx.lineTo(x + 4 * ratio, bbox.top - 6 * ratio);
      ctx.lineTo(x, bbox.top + ratio);
      ctx.fill();
    } else if (first) {
      const width = ctx.measureText(mark.label).width;
      const left = Math.min(x - width / 2, bbox.left + bbox.width - width);
      if (left > free) {
        ctx.fillText(mark.label, left, bbox.top - 5 * ratio);
        free = left + width + 6 * ratio;
      }
    }
  }
  // Where the past ends and the forecast begins.
  if (plot.scales.x.max > data.now + 1) {
    const x = Math.round(plot.valToPos(data.now, "x", true));
    ctx.setLineDash([]);
    ctx.strokeStyle = colour("--line");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

class PanelChart {
  constructor(element, panel, data, first) {
    this.element = element;
    this.first = first;
    this.readout = document.getElementById("read-" + panel.id);
    this.wide = element.closest(".wide") !== null;
    this.make(panel, data);
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => this.plot.setCursor({ left: -10, top: -10 }));
  }

  make(panel, data) {
    this.panel = panel;
    this.data = data;
    this.planned = plan(panel, data);
    const quiet = () => colour("--quiet"), line = () => colour("--line", 0.7);
    const font = "11px " + getComputedStyle(document.body).fontFamily;
    this.plot = new uPlot({
      width: this.element.clientWidth,
      height: this.wide ? HEIGHTS.wide : HEIGHTS.small,
      series: this.planned.series,
      bands: this.planned.bands,
      legend: { show: false },
      padding: [18, 12, 0, 0],
      cursor: { sync: { key: "panels" }, drag: { x: false, y: false }, y: false, points: { size: 7, show: true } },
      scales: { x: { time: true, range: (plot, low, high) => [low, this.wide ? Math.max(high, this.data.until) : high] }, y: { range: (plot, low, high) => [0, (Number.isFinite(high) && high > 0 ? high : 1) * 1.06] } },
      axes: [
        { stroke: quiet, grid: { show: false }, ticks: { stroke: line, size: 4 }, font, size: 28, space: 64, values: timeTicks },
        { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { show: false }, font, size: 62, gap: 6, space: 40,
          values: (plot, ticks) => axisTexts(panel.unit, ticks) },
      ],
      hooks: { draw: [(plot) => drawMarks(plot, this.data, this.first)], setCursor: [() => this.read()] },
    }, this.planned.columns, this.element);
    this.read();
  }

  // The same chart with other values keeps its place; another set of lines is another chart.
  update(panel, data) {
    const next = plan(panel, data);
    const shape = (planned) => planned.readable.map(([, one]) => one.label).join("\n") + planned.columns.length;
    if (shape(next) !== shape(this.planned)) {
      this.plot.destroy();
      this.make(panel, data);
      return;
    }
    this.panel = panel;
    this.data = data;
    this.planned = next;
    this.plot.setData(next.columns);
    this.read();
  }

  // Below the chart: the values under the cursor, or the latest.
  read() {
    if (!this.plot) { return; }
    const index = this.plot.cursor.idx;
    const held = index !== null && index !== undefined;
    const parts = [];
    for (const [column, one, tone] of this.planned.readable) {
      let at = held ? index : this.planned.columns[column].findLastIndex((value) => value !== null);
      const value = at < 0 ? null : this.planned.columns[column][at];
      const swatch = document.createElement("span");
      swatch.className = "swatch " + tone.slice(2) + (one.role === "limit" ? " dashed" : "");
      const item = document.createElement("span");
      const number = document.createElement("b");
      number.textContent = valueText(this.panel.unit, value);
      item.append(swatch, one.label + " ", number);
      const [low, high] = bars(one) && at >= 0 ? [one.low[at], one.high[at]] : [null, null];
      if (low !== null && high !== null && low !== high) {
        const range = document.createElement("span");
        range.className = "quiet";
        range.textContent = " " + valueText(this.panel.unit, low) + " to " + valueText(this.panel.unit, high);
        item.append(range);
      }
      parts.push(item);
    }
    const when = document.createElement("span");
    when.className = "when";
    when.textContent = held ? timeText(new Date(this.planned.columns[0][index] * 1000)) : "latest";
    this.readout.replaceChildren(when, ...parts);
  }

  key(event) {
    const last = this.planned.columns[0].length - 1;
    const now = this.plot.cursor.idx;
    const from = now === null || now === undefined ? last + 1 : now;
    const steps = { ArrowLeft: from - 1, ArrowRight: now === null || now === undefined ? 0 : from + 1, PageUp: from - Math.ceil(last / 10),
      PageDown: from + Math.ceil(last / 10), Home: 0, End: last };
    if (event.key === "Escape") {
      this.readout.setAttribute("aria-live", "off");
      this.plot.setCursor({ left: -10, top: -10 });
    } else if (event.key in steps && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.readout.setAttribute("aria-live", "polite");
      const index = Math.min(last, Math.max(0, steps[event.key]));
      this.plot.setCursor({ left: this.plot.valToPos(this.planned.columns[0][index], "x"), top: this.plot.over.clientHeight / 2 });
    }
  }

  resize() {
    const width = this.element.clientWidth;
    if (width && width !== this.plot.width) { this.plot.setSize({ width, height: this.plot.height }); }
  }
}

export class Charts {
  constructor(page) {
    this.page = page;
    this.charts = new Map();
    this.update();
    let waiting = 0;
    new ResizeObserver(() => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => this.charts.forEach((one) => one.resize()));
    }).observe(page.getElementById("panels"));
    const redraw = () => this.charts.forEach((one) => one.plot.redraw(false, true));
    document.addEventListener("heapsleuth:theme", redraw);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    page.documentElement.dataset.charts = still.matches ? "still" : "drawn";
  }

  update() {
    const data = JSON.parse(this.page.getElementById("chart-data").textContent);
    data.panels.forEach((panel, number) => {
      const chart = this.charts.get(panel.id);
      const element = this.page.querySelector('[data-panel="' + panel.id + '"]');
      if (chart) {
        chart.update(panel, data);
      } else if (element) {
        this.charts.set(panel.id, new PanelChart(element, panel, data, number === 0));
      }
    });
  }
}
