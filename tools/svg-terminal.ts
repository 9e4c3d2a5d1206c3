import type { Paint, Style } from "../src/report/text.ts";

/** A terminal's text as an SVG: every line is text that can be selected and searched. */
export interface Panel {
  title: string;
  /** Painted with `svgStyle`. */
  lines: readonly string[];
}

const FONT_SIZE = 13;
const LINE_HEIGHT = 19;
const CHARACTER_WIDTH = 7.83;
const MARGIN = 18;
const TITLE_HEIGHT = 26;
const FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/** Colours with enough contrast on their background: 4.5 or more to 1. */
const LIGHT = { back: "#f6f8fa", text: "#1f2328", dim: "#57606a", title: "#57606a", line: "#d0d7de" };
const DARK = { back: "#161b22", text: "#e6edf3", dim: "#9198a1", title: "#9198a1", line: "#30363d" };
const LIGHT_PAINT = { red: "#b3121d", green: "#116329", yellow: "#7d4e00", cyan: "#0b5c86" };
const DARK_PAINT = { red: "#ff7b72", green: "#56d364", yellow: "#e3b341", cyan: "#56b6e5" };

/** Marks a painted text by private-use characters, which no text of a run holds: it was cleaned. */
const OPEN: Record<Paint, string> = {
  bold: "\uE000",
  dim: "\uE001",
  red: "\uE002",
  green: "\uE003",
  yellow: "\uE004",
  cyan: "\uE005",
};
const CLOSE = "\uE00F";
const classOf = new Map(Object.entries(OPEN).map(([name, mark]) => [mark, name]));

/** To draw with: what it paints becomes a class of the SVG. */
export const svgStyle: Style = Object.fromEntries(
  Object.entries(OPEN).map(([name, mark]) => [name, (text: string) => `${mark}${text}${CLOSE}`]),
) as Record<Paint, (text: string) => string>;

/** The panels one below the other, in the reader's light or dark colours. */
export function svgOf(panels: readonly Panel[], columns: number): string {
  const width = Math.ceil(columns * CHARACTER_WIDTH + 2 * MARGIN);
  let top = 0;
  const drawn = panels.map(({ title, lines }) => {
    const height = TITLE_HEIGHT + lines.length * LINE_HEIGHT + MARGIN;
    const text = [
      `<rect class="back" x="0.5" y="${top + 0.5}" width="${width - 1}" height="${height - 1}" rx="6"/>`,
      `<text xml:space="preserve" class="title" x="${MARGIN}" y="${top + LINE_HEIGHT}">${escape(title)}</text>`,
      ...lines.map((line, index) => {
        const y = top + TITLE_HEIGHT + (index + 1) * LINE_HEIGHT;
        return `<text xml:space="preserve" x="${MARGIN}" y="${y}">${spansOf(line)}</text>`;
      }),
    ].join("\n");
    top += height + MARGIN / 2;
    return text;
  });
  const description = panels.map(({ title }) => title).join(". ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top - MARGIN / 2}" viewBox="0 0 ${width} ${top - MARGIN / 2}" role="img" aria-label="${escape(description)}">`,
    `<style>${css()}</style>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function css(): string {
  const rules = (colours: typeof LIGHT, paints: typeof LIGHT_PAINT): string =>
    [
      `.back{fill:${colours.back};stroke:${colours.line}}`,
      `text{fill:${colours.text}}`,
      `.title{fill:${colours.title}}`,
      `.dim{fill:${colours.dim}}`,
      ...Object.entries(paints).map(([name, colour]) => `.${name}{fill:${colour}}`),
    ].join("");
  return `text{font:${FONT_SIZE}px ${FONTS};white-space:pre}.title{font-style:italic}.bold{font-weight:600}${rules(LIGHT, LIGHT_PAINT)}@media(prefers-color-scheme:dark){${rules(DARK, DARK_PAINT)}}`;
}

/** Text with its marks as tspans; what is painted inside a painted text keeps its own colour. */
function spansOf(line: string): string {
  // Not every viewer keeps a run of ordinary spaces.
  return escape(line)
    .replaceAll(" ", "\u00A0")
    .replaceAll(/[\uE000-\uE00F]/g, (mark) => {
      const name = classOf.get(mark);
      return name === undefined ? "</tspan>" : `<tspan class="${name}">`;
    });
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
