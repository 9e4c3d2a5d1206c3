import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { RuleSeries } from "../../src/model/watch-report.ts";

/** The only place that knows the chart library; it is loaded when the first chart is drawn. */

export interface ChartMarker {
  atMs: number;
  label: string;
  isBad: boolean;
}

export interface ChartContent {
  series: RuleSeries;
  /** What the chart covers, in ms since 1970, also while nothing is there yet. */
  fromMs: number;
  untilMs: number;
  markers: readonly ChartMarker[];
}

export interface DrawnChart {
  show(content: ChartContent): void;
  remove(): void;
}

const HEIGHT = 150;
const FONT = '11px ui-monospace, "SF Mono", Menlo, Consolas, monospace';

/** A series with its bound and what happened meanwhile, in the element's colours of now and as wide as it is. */
export function drawChart(element: HTMLElement, content: ChartContent): DrawnChart {
  const latest = { current: content };
  const chart = new UPlot(optionsFor(element, content.series.unit, latest), dataOf(content), element);
  const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
  observer.observe(element);
  return {
    show(next) {
      latest.current = next;
      chart.setData(dataOf(next));
    },
    remove() {
      observer.disconnect();
      chart.destroy();
    },
  };
}

/** Seconds, values, and the bound from end to end. */
function dataOf({ series: { rows, limit }, fromMs, untilMs }: ChartContent): UPlot.AlignedData {
  const inside = rows.filter(({ atMs }) => atMs > fromMs && atMs < untilMs);
  const edge = (atMs: number): number | null => rows.find((row) => row.atMs === atMs)?.value ?? null;
  const bound = limit ?? null;
  return [
    [fromMs / 1000, ...inside.map(({ atMs }) => atMs / 1000), untilMs / 1000],
    [edge(fromMs), ...inside.map(({ value }) => value ?? null), edge(untilMs)],
    [bound, ...inside.map(() => bound), bound],
  ];
}

type Latest = { current: ChartContent };

function optionsFor(element: HTMLElement, unit: string, latest: Latest): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => resolved(element, style.getPropertyValue(name));
  const [ink, line, value, bound, bad] = ["--dim", "--line", "--run", "--stop", "--stop"].map(colour);
  const axis: UPlot.Axis = {
    stroke: ink!,
    font: FONT,
    grid: { stroke: line!, width: 1 },
    ticks: { stroke: line!, width: 1, size: 4 },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false } },
    padding: [8, 8, 0, 0],
    scales: {
      x: { time: true, range: () => [latest.current.fromMs / 1000, latest.current.untilMs / 1000] },
      y: { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(most ?? 1, 0.001) * 1.3] },
    },
    axes: [
      { ...axis, size: 24 },
      {
        ...axis,
        size: 52,
        values: (_, ticks) => ticks.map((tick) => `${Number(tick.toPrecision(3))} ${unit}`),
      },
    ],
    series: [
      {},
      { stroke: value!, width: 2, points: { size: 4 }, spanGaps: false },
      { stroke: bound!, width: 1.5, dash: [7, 4], points: { show: false }, spanGaps: true },
    ],
    hooks: { draw: [(chart) => drawMarkers(chart, latest.current.markers, { ink: ink!, bad: bad! })] },
  };
}

/** What light-dark() comes to here. */
function resolved(element: HTMLElement, value: string): string {
  const probe = document.createElement("span");
  probe.style.color = value;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function drawMarkers(
  chart: UPlot,
  markers: readonly ChartMarker[],
  { ink, bad }: { ink: string; bad: string },
): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = FONT.replace("11px", `${11 * ratio}px`);
  ctx.textBaseline = "top";
  for (const [index, { atMs, label, isBad }] of markers.entries()) {
    const x = chart.valToPos(atMs / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = isBad ? bad : ink;
    ctx.fillStyle = isBad ? bad : ink;
    ctx.lineWidth = ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const isAtEnd = x > bbox.left + bbox.width * 0.7;
    ctx.textAlign = isAtEnd ? "right" : "left";
    // Neighbours have lines of their own.
    const line = bbox.top + (2 + (index % 2) * 13) * ratio;
    ctx.fillText(label, x + (isAtEnd ? -4 : 4) * ratio, line);
  }
  ctx.restore();
}
