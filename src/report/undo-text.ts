import type { Undo } from "../model/plan.ts";

/** How a step is undone and what that loses, or why it is not. */
export function undoText(undo: Undo): string {
  switch (undo.how) {
    case "undo":
      return undo.loss === undefined ? `undo: ${undo.text}` : `undo: ${undo.text}; loses ${undo.loss}`;
    case "none-needed":
      return `undo: none needed, ${undo.text}`;
    case "irreversible":
      return `cannot be undone: ${undo.text}`;
  }
}
