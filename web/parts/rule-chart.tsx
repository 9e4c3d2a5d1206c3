import { useEffect, useRef, useState } from "preact/hooks";
import { isDark } from "../state/theme.ts";
import type { ChartContent, DrawnChart } from "./draw-chart.ts";
import { Quiet } from "./text.tsx";

/** A chart, and in words what it shows; the numbers are in a table beside it. */
export function RuleChart({ label, ...content }: ChartContent & { label: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart>(undefined);
  const latest = useRef<ChartContent>(content);
  const [isLost, setLost] = useState(false);
  latest.current = content;
  const { unit } = content.series;
  useEffect(() => {
    let isGone = false;
    const draw = async (): Promise<void> => {
      try {
        const { drawChart } = await import("./draw-chart.ts");
        if (!isGone) drawn.current = drawChart(holder.current!, latest.current);
      } catch {
        setLost(true); // the numbers are in the table all the same
      }
    };
    void draw();
    return () => {
      isGone = true;
      drawn.current?.remove();
      drawn.current = undefined;
    };
    // The colours are in the picture: another theme needs another one.
  }, [isDark.value, unit]);
  useEffect(() => drawn.current?.show(latest.current));
  if (isLost) return <Quiet>The chart could not be drawn; its numbers are in the table.</Quiet>;
  return <div ref={holder} class="chart" role="img" aria-label={label} />;
}
