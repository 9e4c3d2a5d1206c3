import { anchorSchema, type Anchor } from "../../model/audit.ts";

/**
 * Anchors as they were written, one JSON object a line. What is no JSON is left out: the end of a line is lost when the
 * machine dies while it is written. Throws on a line that is JSON and no anchor.
 */
export function parseAnchors(text: string): Anchor[] {
  return text.split("\n").flatMap((line, index) => {
    const value = jsonOf(line);
    if (value === undefined) return [];
    const parsed = anchorSchema.safeParse(value);
    if (!parsed.success) throw new Error(`line ${index + 1} is no anchor`);
    return [parsed.data];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half a line, or an empty one
  }
}
