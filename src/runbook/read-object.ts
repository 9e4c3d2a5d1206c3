import type { Mistakes, Path } from "./diagnostic.ts";
import { MAX_DEPTH } from "./guard.ts";
import { shorten, type Position, type SourceText } from "./source-text.ts";
import type { MapTree, Tree } from "./tree.ts";

const MAX_VALUES = 50_000;

/**
 * The object that a tminus.config.ts exports, as a tree. Positions are those of the key's text, looked for in
 * the order of the object, else those of what is around it; values that are computed have no better place.
 */
export function readObject(value: unknown, source: SourceText, mistakes: Mistakes): Tree {
  return new ObjectReader(source, mistakes).read(value, [], 0, 0);
}

class ObjectReader {
  readonly #source: SourceText;
  readonly #mistakes: Mistakes;
  #values = 0;

  constructor(source: SourceText, mistakes: Mistakes) {
    this.#source = source;
    this.#mistakes = mistakes;
  }

  /** `from` is the offset in the text behind which this value's keys are looked for. */
  read(value: unknown, path: Path, from: number, depth: number): Tree {
    const at = this.#source.position(from);
    const nothing: Tree = { type: "scalar", at, value: null };
    if (++this.#values > MAX_VALUES || depth > MAX_DEPTH) {
      return this.#refuse(nothing, at, path, "the object is too large, too deep, or contains itself");
    }
    if (value === null || value === undefined) return nothing;
    if (typeof value === "string" || typeof value === "boolean") return { type: "scalar", at, value };
    if (typeof value === "number" && Number.isFinite(value)) return { type: "scalar", at, value };
    if (Array.isArray(value)) {
      return {
        type: "list",
        at,
        items: value.map((item, index) => this.read(item, [...path, index], from, depth + 1)),
      };
    }
    if (isPlainObject(value)) return this.#map(value, at, path, from, depth);
    const name = typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
    return this.#refuse(nothing, at, path, `a ${shorten(name)} cannot stand in a runbook`);
  }

  #map(value: Record<string, unknown>, at: Position, path: Path, from: number, depth: number): MapTree {
    const map: MapTree = { type: "map", at, entries: new Map() };
    let cursor = from;
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      cursor = this.#find(key, cursor) ?? cursor;
      const keyAt = this.#source.position(cursor);
      if (key === "__proto__")
        this.#mistakes.add({ at: keyAt, path: [...path, key], message: "this key is reserved" });
      else map.entries.set(key, { keyAt, value: this.read(item, [...path, key], cursor, depth + 1) });
    }
    return map;
  }

  #find(key: string, from: number): number | undefined {
    if (key.length > 200) return undefined;
    const word = key.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`(?<![\\w$])["']?${word}["']?\\s{0,20}:`, "g");
    pattern.lastIndex = from;
    return pattern.exec(this.#source.text)?.index;
  }

  #refuse(nothing: Tree, at: Position, path: Path, message: string): Tree {
    this.#mistakes.add({
      at,
      path,
      message,
      hint: "use text, numbers, true, false, lists and plain objects",
    });
    return nothing;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.prototype.toString.call(value) === "[object Module]"
  );
}
