import type { Json } from "../model/json.ts";
import type { Path } from "./diagnostic.ts";
import type { Position } from "./source-text.ts";

/** A document as values that know where they stand in the file. */
export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  type: "map";
  at: Position;
  entries: Map<string, { keyAt: Position; value: Tree }>;
}

export interface ListTree {
  type: "list";
  at: Position;
  items: Tree[];
}

export interface ScalarTree {
  type: "scalar";
  at: Position;
  value: string | number | boolean | null;
  /** The text as written, when it was not quoted: it may still be read as another type. */
  plain?: string;
  /** The text as it stands in the file, without its quotes, and where it begins; undefined for blocks. */
  written?: { at: Position; text: string };
}

/** The plain value. Keys become own properties whatever their name. */
export function toValue(tree: Tree): Json {
  if (tree.type === "scalar") return tree.value;
  if (tree.type === "list") return tree.items.map(toValue);
  const result: { [key: string]: Json } = {};
  for (const [key, entry] of tree.entries) {
    Object.defineProperty(result, key, {
      value: toValue(entry.value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return result;
}

/** The subtree at a path, or undefined. */
export function treeAt(root: Tree, path: Path): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const part of path) tree = childOf(tree, part);
  return tree;
}

/** Where to point for a wrong value: at the value, or at its key when nothing is written there. */
export function positionOf(root: Tree, path: Path): Position {
  const tree = treeAt(root, path);
  const unwritten = tree === undefined || (tree.type === "scalar" && tree.value === null);
  return unwritten ? keyPositionOf(root, path) : tree.at;
}

/** A part of a value's text: counted from 0, or the first place where a word stands. */
export type WordPlace = { offset: number; length: number } | string;

/**
 * Where a part of a value stands in the file, and how long it is there. The beginning of the value when it was not
 * written down as it is read: over several lines, or with escapes before the part.
 */
export function wordPositionOf(root: Tree, path: Path, place: WordPlace): { at: Position; length?: number } {
  const tree = treeAt(root, path);
  const start = { at: positionOf(root, path) };
  if (tree?.type !== "scalar" || tree.written === undefined) return start;
  const { at, text } = tree.written;
  const value = String(tree.value);
  const { offset, length } =
    typeof place === "string" ? { offset: value.indexOf(place), length: place.length } : place;
  const before = text.slice(0, offset + length);
  if (offset < 0 || before !== value.slice(0, offset + length) || before.includes("\n")) return start;
  return { at: { line: at.line, column: at.column + offset }, length };
}

/** Where to point for a wrong key, or for one that is missing: the key, or else the nearest thing around it. */
export function keyPositionOf(root: Tree, path: Path): Position {
  let tree: Tree = root;
  let at = root.at;
  for (const part of path) {
    if (tree.type === "map" && typeof part === "string") at = tree.entries.get(part)?.keyAt ?? at;
    const child = childOf(tree, part);
    if (child === undefined) return at;
    if (typeof part === "number") at = child.at;
    tree = child;
  }
  return at;
}

function childOf(tree: Tree | undefined, part: string | number): Tree | undefined {
  if (tree?.type === "map") return tree.entries.get(String(part))?.value;
  if (tree?.type === "list" && typeof part === "number") return tree.items[part];
  return undefined;
}
