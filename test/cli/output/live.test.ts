import { describe, expect, it } from "vitest";
import { openLiveScreen } from "../../../src/cli/output/live.ts";

/** The few escape sequences that the painter uses, carried out on rows of text. */
function screenOf(output: string): string[] {
  const rows: string[] = [""];
  let row = 0;
  // oxlint-disable-next-line no-control-regex -- a terminal is what is imitated
  for (const [part] of output.matchAll(/\u001b\[\??\d*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g)) {
    // oxlint-disable-next-line no-control-regex -- as above
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up !== null) row = Math.max(0, row - Number(up[1]));
    else if (part === "\n") rows[++row] ??= "";
    else if (part === "\u001b[J") rows.splice(row, rows.length, "");
    else if (!part.startsWith("\u001b") && part !== "\r") rows[row] = part;
  }
  return rows;
}

describe("the live screen", () => {
  it("paints each frame over the last one and leaves the last one standing", () => {
    let output = "";
    const screen = openLiveScreen(
      (text) => (output += text),
      () => 80,
    );
    screen.paint(["one", "two", "three"]);
    screen.paint(["ONE", "TWO"]);
    expect(screenOf(output)).toEqual(["ONE", "TWO", ""]);
    screen.paint(["a", "b", "c", "d"]);
    expect(screenOf(output)).toEqual(["a", "b", "c", "d", ""]);
  });

  it("puts every frame into one synchronized update", () => {
    const frames: string[] = [];
    const screen = openLiveScreen(
      (text) => frames.push(text),
      () => 80,
    );
    screen.paint(["one"]);
    screen.paint(["two"]);
    for (const frame of frames) {
      expect(frame.startsWith("\u001b[?2026h")).toBe(true);
      expect(frame.endsWith("\u001b[?2026l")).toBe(true);
    }
  });

  it("goes up over lines that a narrower terminal has wrapped", () => {
    const frames: string[] = [];
    let columns = 80;
    const screen = openLiveScreen(
      (text) => frames.push(text),
      () => columns,
    );
    screen.paint(["x".repeat(60), "\u001b[31mshort\u001b[39m"]);
    columns = 40;
    screen.paint(["x"]);
    expect(frames[1]).toContain("\u001b[3A");
  });
});
