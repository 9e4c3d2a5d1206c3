import { LineCounter, parseDocument, type Document } from "yaml";
import * as z from "zod";
import { readProjectFile } from "./project-file.ts";

/** A list that people keep in a YAML file of the project, or what is wrong with the file. */
export type ListFile<Item> =
  | { state: "read"; items: { value: Item; line: number }[]; document: Document.Parsed }
  /** One line for each mistake: file:line:column, what is wrong. */
  | { state: "unreadable"; reason: string };

const MAX_ITEMS = 1000;
const MAX_MISTAKES = 10;

/** Reads a YAML file that is one list. Never throws for what the file holds. */
export function readListFile<Item>(
  projectDirectory: string,
  path: string,
  item: z.ZodType<Item>,
): ListFile<Item> {
  const read = readProjectFile(projectDirectory, path);
  if (read.state === "unreadable") return read;
  const lines = new LineCounter();
  const document = parseDocument(read.text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const broken = document.errors.map(({ pos, message }) => `${at(pos[0])} ${message}`);
  if (broken.length > 0) return refuse(broken);
  const parsed = z
    .array(item)
    .max(MAX_ITEMS)
    .safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success)
    return refuse(parsed.error.issues.map((issue) => `${at(offsetOf(document, issue))} ${saidOf(issue)}`));
  const items = parsed.data.map((value, index) => ({
    value,
    line: lines.linePos(rangeOf(document, [index])).line,
  }));
  return { state: "read", items, document };
}

function refuse(mistakes: readonly string[]): { state: "unreadable"; reason: string } {
  const more = mistakes.length - MAX_MISTAKES;
  const said = mistakes.slice(0, MAX_MISTAKES).join("; ");
  return { state: "unreadable", reason: more > 0 ? `${said}; and ${more} more` : said };
}

function saidOf({ path, message }: z.core.$ZodIssue): string {
  const key = path.at(-1);
  return typeof key === "string" ? `${key}: ${message}` : message;
}

/** Where an issue is: at the value, or at what stands around one that is missing. */
function offsetOf(document: Document.Parsed, issue: z.core.$ZodIssue): number {
  const path = issue.path.filter((key) => typeof key !== "symbol");
  for (let length = path.length; length > 0; length--) {
    if (document.hasIn(path.slice(0, length))) return rangeOf(document, path.slice(0, length));
  }
  return 0;
}

function rangeOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  const node: unknown = document.getIn(path, true);
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : 0;
}
