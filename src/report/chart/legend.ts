import { clean, truncate } from "../text.ts";
import { element, label, rule as lineOf, textWidth, type Drawing } from "./svg.ts";

export interface LegendItem {
  kind: "series" | "unsure" | "unknown" | "blind";
  text: string;
}

const SWATCH = 22;
const ROW = 18;
const GAP = 18;

/** What lines and shades mean, from left to right in as many rows as it needs. */
export function drawLegend(
  items: readonly LegendItem[],
  { left, right, top }: { left: number; right: number; top: number },
): Drawing & { height: number } {
  let x = left;
  let row = 0;
  const words: string[] = [];
  const shapes = items.map(({ kind, text }) => {
    const shown = truncate(clean(text), 60);
    const width = SWATCH + 6 + textWidth(shown);
    if (x + width > right && x > left) {
      x = left;
      row++;
    }
    const y = top + row * ROW + 10;
    const drawn = swatch(kind, x, y);
    words.push(label(x + SWATCH + 6, y + 4, shown));
    x += width + GAP;
    return drawn;
  });
  return { shapes, words, height: (row + 1) * ROW + 10 };
}

function swatch(kind: LegendItem["kind"], x: number, y: number): string {
  switch (kind) {
    case "series":
    case "unsure":
      return lineOf(x, y, x + SWATCH, y, kind);
    case "unknown":
      return element("rect", { x, y: y - 5, width: SWATCH, height: 10, fill: "url(#unknown)" });
    case "blind":
      return element("rect", { x, y: y - 5, width: SWATCH, height: 10, class: "blind" });
  }
}
