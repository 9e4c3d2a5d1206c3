import * as z from "zod";
import { TminusError } from "../errors.ts";
import { runbookSchema, type Runbook, type RunbookKinds } from "../model/runbook.ts";
import { checkReferences } from "./check.ts";
import { suggest } from "../lib/did-you-mean.ts";
import { formatDiagnostic, Mistakes, type Diagnostic, type Path } from "./diagnostic.ts";
import { guardTokens } from "./guard.ts";
import { readYaml } from "./read-yaml.ts";
import { shorten, SourceText } from "./source-text.ts";
import { positionOf, toValue, treeAt, type Tree } from "./tree.ts";
import { validate } from "./validate.ts";

/**
 * A runbook, or every mistake at once in the order of the file. "unreadable": the text was not looked into,
 * because it is too large, too deep or not text. `omitted` counts the mistakes beyond those listed.
 */
export type ParseResult =
  | { state: "valid"; runbook: Runbook }
  | { state: "invalid" | "unreadable"; diagnostics: Diagnostic[]; omitted: number };

export type RejectedRunbook = Exclude<ParseResult, { state: "valid" }>;

/**
 * Reads the text of a tminus.yaml. Never throws for what the text holds. `with`, targets, signals, channels and scm are
 * checked against their kinds but given as they were written: read them with the kind's schema after
 * placeholders are resolved, which also fills the defaults in.
 */
export function parseRunbook(source: { file: string; text: string }, kinds: RunbookKinds): ParseResult {
  // A byte order mark is not part of the text; editors do not count it as a column either.
  const text = new SourceText(source.file, source.text.replace(/^\uFEFF/, ""));
  const guarded = guardTokens(text);
  const mistakes = new Mistakes();
  if ("refusal" in guarded) {
    mistakes.add({ path: [], ...guarded.refusal });
    return { state: "unreadable", ...mistakes.list(text) };
  }
  const tree = readYaml(text, guarded.tokens, mistakes);
  if (tree === undefined) return { state: "invalid", ...mistakes.list(text) };
  return parseTree(text, tree, kinds, mistakes);
}

/** The same for a document that was read already; `mistakes` holds what reading it found. */
export function parseTree(
  source: SourceText,
  tree: Tree,
  kinds: RunbookKinds,
  mistakes: Mistakes,
): ParseResult {
  checkKinds(tree, kinds, mistakes);
  validate(tree, [], runbookSchema, mistakes);
  checkReferences(tree, mistakes);
  if (mistakes.count > 0) return { state: "invalid", ...mistakes.list(source) };
  return { state: "valid", runbook: runbookSchema.parse(toValue(tree)) };
}

/** The error for a rejected runbook: RUNBOOK_INVALID or RUNBOOK_UNREADABLE, with details.diagnostics. */
export function runbookError(file: string, rejected: RejectedRunbook): TminusError {
  const { diagnostics, omitted } = rejected;
  const count = diagnostics.length + omitted;
  const more = omitted > 0 ? [`and ${omitted} more`] : [];
  const head = `${file} has ${count === 1 ? "a mistake" : `${count} mistakes`}`;
  const message = [head, ...diagnostics.map(formatDiagnostic), ...more].join("\n");
  const code = rejected.state === "unreadable" ? "RUNBOOK_UNREADABLE" : "RUNBOOK_INVALID";
  return new TminusError(code, message, { details: { file, diagnostics, omitted } });
}

interface KindPlace {
  /** Path of the mapping that names the kind. */
  path: Path;
  noun: string;
  schemas: Readonly<Record<string, z.ZodType>>;
  /** Part below `path` that the kind's schema describes; undefined for the mapping itself. */
  part?: string;
  /** Keys of the mapping that are not the kind's business. */
  common: readonly string[];
}

function checkKinds(tree: Tree, kinds: RunbookKinds, mistakes: Mistakes): void {
  for (const place of kindPlaces(tree, kinds)) {
    const path = [...place.path, "kind"];
    const kind = treeAt(tree, path);
    // A kind that is missing or is not text is the business of the runbook's own schema.
    if (kind?.type !== "scalar" || typeof kind.value !== "string" || kind.value === "") continue;
    if (!Object.hasOwn(place.schemas, kind.value)) {
      const message = `unknown ${place.noun} kind "${shorten(kind.value)}"`;
      const hint = suggest(kind.value, Object.keys(place.schemas), "known");
      mistakes.add({ at: positionOf(tree, path), path, message, hint });
      continue;
    }
    const schema = place.schemas[kind.value]!;
    const below = place.part === undefined ? place.path : [...place.path, place.part];
    validate(tree, below, schema, mistakes, hiddenKeys(schema, place.common));
  }
}

/** Common keys that the schema of a kind does not name itself. */
function hiddenKeys(schema: z.ZodType, common: readonly string[]): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return common.filter((key) => !Object.hasOwn(schema.shape, key));
}

function kindPlaces(tree: Tree, kinds: RunbookKinds): KindPlace[] {
  const step = { noun: "step", schemas: kinds.steps, part: "with", common: [] };
  const gate = { noun: "gate", schemas: kinds.gates, part: "with", common: [] };
  const channel = { noun: "channel", schemas: kinds.channels, common: ["id", "kind"] };
  const target = { noun: "target", schemas: kinds.targets, common: ["kind"] };
  const source = { noun: "signal source", schemas: kinds.signals, common: ["kind"] };
  const scm = { noun: "scm", schemas: kinds.scms, common: ["kind"] };
  const environments = treeAt(tree, ["environments"]);
  const names = environments?.type === "map" ? [...environments.entries.keys()] : [];
  return [
    ...names.map((name) => ({ ...target, path: ["environments", name, "target"] })),
    ...names.flatMap((name) =>
      keys(tree, ["environments", name, "signals"]).map((path) => ({ ...source, path })),
    ),
    ...indexes(tree, ["gates"]).map((path) => ({ ...gate, path })),
    ...indexes(tree, ["stages"]).flatMap((stage) =>
      indexes(tree, [...stage, "steps"]).map((path) => ({ ...step, path })),
    ),
    ...indexes(tree, ["notify"]).map((path) => ({ ...channel, path })),
    { ...scm, path: ["scm"] },
  ];
}

function keys(tree: Tree, path: Path): Path[] {
  const map = treeAt(tree, path);
  return map?.type === "map" ? [...map.entries.keys()].map((key) => [...path, key]) : [];
}

function indexes(tree: Tree, path: Path): Path[] {
  const list = treeAt(tree, path);
  return list?.type === "list" ? list.items.map((_, index) => [...path, index]) : [];
}
