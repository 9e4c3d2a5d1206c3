import { widthOf } from "../../report/text.ts";

const SYNC_BEGIN = "\u001b[?2026h";
const SYNC_END = "\u001b[?2026l";
const CLEAR_TO_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export interface LiveScreen {
  /** Replaces what the last call painted. Lines must not be wider than the screen. */
  paint(lines: readonly string[]): void;
}

/**
 * Paints blocks of lines over each other in place, inside a synchronized update so that a terminal never
 * shows half of one. What was painted last stays on the screen. `write` gets everything of one frame at once.
 */
export function openLiveScreen(write: (text: string) => void, columns: () => number): LiveScreen {
  let painted: string[] = [];
  return {
    paint(lines) {
      // A terminal that was made narrower has wrapped the old lines: they take more rows than they were.
      const rows = painted.reduce(
        (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / Math.max(1, columns()))),
        0,
      );
      const up = rows === 0 ? "" : `\u001b[${rows}A\r`;
      const body = lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join("");
      write(SYNC_BEGIN + up + body + CLEAR_BELOW + SYNC_END);
      painted = lines.map(withoutEscapes);
    },
  };
}

function withoutEscapes(line: string): string {
  // oxlint-disable-next-line no-control-regex -- colours are what is taken out
  return line.replaceAll(/\u001b\[[0-9;]*m/g, "");
}
