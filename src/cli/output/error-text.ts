import { formatDiagnosticWithExcerpt, type Diagnostic } from "../../runbook/diagnostic.ts";
import type { ErrorRecord } from "../../errors.ts";
import { clean, type Style } from "../../report/text.ts";

/** Details that are lists of sentences, by name; each is one thing to look at. */
const LISTS = ["moved", "blocked"];

/** An error for people: code and message, what is in its details, what to do, where to read more. */
export function errorText(error: ErrorRecord, style: Style): string[] {
  const diagnostics = diagnosticsIn(error);
  // The message lists them too, without the excerpts.
  const message = diagnostics.length > 0 ? error.message.split("\n", 1)[0]! : error.message;
  const lines = [`${style.red("error")} ${style.bold(error.code)} ${printable(message)}`];
  for (const diagnostic of diagnostics) lines.push(printable(formatDiagnosticWithExcerpt(diagnostic)));
  const { omitted } = error.details;
  if (typeof omitted === "number" && omitted > 0) lines.push(`and ${omitted} more`);
  for (const name of LISTS) {
    const list = error.details[name];
    if (!Array.isArray(list)) continue;
    for (const item of list)
      lines.push(`  - ${clean(typeof item === "string" ? item : JSON.stringify(item))}`);
  }
  if (error.hint !== "") lines.push(`→ ${printable(error.hint)}`);
  lines.push(style.dim(`tminus explain ${error.code}`));
  return lines;
}

function diagnosticsIn({ details }: ErrorRecord): Diagnostic[] {
  const { diagnostics } = details;
  return Array.isArray(diagnostics) ? (diagnostics as Diagnostic[]) : [];
}

/** Safe to print, with its line breaks and indentation. */
function printable(text: string): string {
  return text
    .split("\n")
    .map((line) => (/^\s*/.exec(line)?.[0] ?? "").replaceAll(/[^ ]/g, " ") + clean(line))
    .join("\n");
}
