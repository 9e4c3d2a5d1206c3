import type * as z from "zod";
import type { IssueParams } from "../model/runbook.ts";
import { closest, suggest } from "../lib/did-you-mean.ts";
import { afterKey, type Mistake, type Path } from "./diagnostic.ts";
import type { SchemaView } from "./schema-view.ts";
import { shorten } from "./source-text.ts";
import { keyPositionOf, positionOf, treeAt, wordPositionOf, type Tree, type WordPlace } from "./tree.ts";

type Issue = z.core.$ZodIssue;

/** Where an issue belongs: its paths are relative to `base` in the document. */
export interface IssuePlace {
  root: Tree;
  base: Path;
  view: SchemaView;
}

/** Keys whose values are often secrets: their text is never shown. */
const SECRET_KEY = /secret|password|token|credential|(^|[-_])key$|^(url|env|variables|headers)$/i;

const TYPE_NAMES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  null: "nothing",
};

/** One issue of zod in the words of the person who wrote the file. One mistake for each unknown key. */
export function describeIssue(issue: Issue, place: IssuePlace): Mistake[] {
  const local = issue.path as (string | number)[];
  const path = [...place.base, ...local];
  const secret = path.some((part) => typeof part === "string" && SECRET_KEY.test(part));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, local, place));
    case "invalid_key":
      return issue.issues.slice(0, 1).map((inner) => {
        const at = keyPositionOf(place.root, path);
        const { message, hint } = ownWords(inner);
        return { at, path, message: `the key ${message}`, hint, maskFrom: afterKey(at, path) };
      });
    case "invalid_union":
      return union(issue, place, local);
    case "invalid_type":
      return [masked({ ...wrongType([issue.expected], path, place.root), path }, secret)];
    case "invalid_value":
      return [masked({ ...wrongValue(issue.values, path, place.root, secret), path }, secret)];
    default: {
      const { message, hint, secret: marked, place: word } = ownWords(issue);
      const isSecret = secret || marked;
      const found =
        word === undefined || isSecret
          ? { at: positionOf(place.root, path) }
          : wordPositionOf(place.root, path, word);
      return [masked({ ...found, path, message, hint }, isSecret)];
    }
  }
}

function unknownKey(key: string, local: Path, place: IssuePlace): Mistake {
  const path = [...place.base, ...local, key];
  const at = keyPositionOf(place.root, path);
  if (key === "<<") return { at, path, message: "merge keys are not supported", hint: "write the keys out" };
  const hint = suggest(key, place.view.keysAt(local), "known here");
  return { at, path, message: "unknown key", hint, maskFrom: afterKey(at, path) };
}

function masked(mistake: Mistake, secret: boolean): Mistake {
  return secret ? { ...mistake, maskFrom: mistake.at.column } : mistake;
}

function wrongType(
  expected: readonly string[],
  path: Path,
  root: Tree,
): Pick<Mistake, "at" | "message" | "hint"> {
  const wanted = expected.map((name) => TYPE_NAMES[name] ?? name).join(" or ");
  const at = positionOf(root, path);
  const tree = treeAt(root, path);
  if (tree === undefined) return { at, message: "is missing", hint: `expected ${wanted}` };
  if (tree.type !== "scalar")
    return { at, message: `expected ${wanted}, found ${TYPE_NAMES[arrayOrObject(tree)]}` };
  if (tree.value === null) return { at, message: "has no value", hint: `expected ${wanted}` };
  const found = TYPE_NAMES[typeof tree.value] ?? "something else";
  const quoted = typeof tree.value === "string" && tree.plain === undefined && /number|true/.test(wanted);
  return { at, message: `expected ${wanted}, found ${found}`, hint: quoted ? "take the quotes away" : "" };
}

function wrongValue(
  values: readonly unknown[],
  path: Path,
  root: Tree,
  secret: boolean,
): Pick<Mistake, "at" | "message" | "hint"> {
  const at = positionOf(root, path);
  const tree = treeAt(root, path);
  const words = values.map(String);
  const message = words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(", ")}`;
  if (tree === undefined) return { at, message: "is missing", hint: message };
  const written = tree.type === "scalar" ? String(tree.value) : "";
  if (words.includes(written)) return { at, message, hint: "take the quotes away" };
  const near = secret || words.length === 1 ? undefined : closest(written, words);
  return { at, message, hint: near === undefined ? "" : `did you mean "${near}"?` };
}

/** For several alternatives: what they all want, or the mistakes of the one that fits best. */
function union(issue: z.core.$ZodIssueInvalidUnion, place: IssuePlace, local: Path): Mistake[] {
  const path = [...place.base, ...local];
  const expected = issue.errors.flatMap((branch) => rootTypes(branch));
  const open = issue.errors.filter((branch) => branch.length > 0 && rootTypes(branch).length === 0);
  const best = open.sort((a, b) => a.length - b.length)[0];
  if (best !== undefined) {
    const nested = { ...place, base: path, view: below(place.view, local) };
    return best.flatMap((inner) => describeIssue(inner, nested));
  }
  if (expected.length > 0) return [{ ...wrongType([...new Set(expected)], path, place.root), path }];
  const words = place.view.wordsAt(local);
  const tree = treeAt(place.root, path);
  const at = positionOf(place.root, path);
  if (tree === undefined) return [{ at, path, message: "is missing", hint: `one of ${words.join(", ")}` }];
  const written = tree.type === "scalar" ? String(tree.value) : "";
  return [
    { at, path, message: "fits none of the alternatives", hint: suggest(written, words, "known here") },
  ];
}

/** The types that a branch of a union wants in the place of the value itself. */
function rootTypes(branch: readonly Issue[]): string[] {
  return branch.flatMap((issue) =>
    issue.code === "invalid_type" && issue.path.length === 0 ? [issue.expected] : [],
  );
}

function below(view: SchemaView, local: Path): SchemaView {
  return {
    keysAt: (path: Path) => view.keysAt([...local, ...path]),
    wordsAt: (path: Path) => view.wordsAt([...local, ...path]),
  } as SchemaView;
}

function ownWords(issue: Issue): {
  message: string;
  hint: string;
  secret: boolean;
  place: WordPlace | undefined;
} {
  const params = (issue.code === "custom" ? (issue.params ?? {}) : {}) as IssueParams;
  const { hint = "", secret = false, offset, length = 0, word } = params;
  const place = offset === undefined ? word : { offset, length };
  return { message: shorten(sizeText(issue), 160), hint, secret, place };
}

const SIZE_UNITS: Record<string, string> = {
  string: " characters",
  array: " items",
  map: " keys",
  set: " items",
};

function sizeText(issue: Issue): string {
  if (issue.code !== "too_small" && issue.code !== "too_big")
    return issue.message.replace(/^Invalid \w+: /, "");
  const [bound, words] =
    issue.code === "too_small"
      ? [issue.minimum, issue.inclusive === false ? "more than" : "at least"]
      : [issue.maximum, issue.inclusive === false ? "less than" : "at most"];
  if (bound === 1 && issue.code === "too_small" && Object.hasOwn(SIZE_UNITS, issue.origin))
    return "must not be empty";
  return `must be ${words} ${bound}${SIZE_UNITS[issue.origin] ?? ""}`;
}

function arrayOrObject(tree: Tree): "array" | "object" {
  return tree.type === "list" ? "array" : "object";
}
