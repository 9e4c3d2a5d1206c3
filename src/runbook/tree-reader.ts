import { isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode } from "yaml";
import { afterKey, type Mistakes, type Path } from "./diagnostic.ts";
import { MAX_DEPTH } from "./guard.ts";
import { resolvePlain } from "./scalar.ts";
import { shorten, type Position, type SourceText } from "./source-text.ts";
import type { MapTree, ScalarTree, Tree } from "./tree.ts";

/** Values after aliases are written out: bounds what a file of small size can grow to. */
const MAX_VALUES = 50_000;

/** Turns the nodes of one document into a tree: aliases written out, keys unique, every scalar with its text. */
export class TreeReader {
  readonly #source: SourceText;
  readonly #mistakes: Mistakes;
  readonly #anchors = new Map<string, ParsedNode>();
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly #open = new Set<ParsedNode>();
  #values = 0;
  #grown = false;
  /** Values are missing from the tree, so that checking it would report mistakes that are none. */
  broken = false;

  constructor(source: SourceText, mistakes: Mistakes) {
    this.#source = source;
    this.#mistakes = mistakes;
  }

  read(node: ParsedNode | null, path: Path, depth: number): Tree {
    const at = this.#at(node);
    const nothing: ScalarTree = { type: "scalar", at, value: null };
    if (node === null) return nothing;
    if (++this.#values > MAX_VALUES || depth > MAX_DEPTH) {
      this.#refuseGrowth(at, path);
      return nothing;
    }
    if (isAlias(node)) return this.#alias(node.source, at, path, depth) ?? nothing;
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (node.tag !== undefined) {
      const hint = "quote the text if it is meant as text";
      this.#mistakes.add({ at, path, message: `tags (${shorten(node.tag)}) are not supported`, hint });
    }
    this.#open.add(node);
    const tree = this.#content(node, at, path, depth);
    this.#open.delete(node);
    return tree;
  }

  #content(node: ParsedNode, at: Position, path: Path, depth: number): Tree {
    if (isMap(node)) {
      const map: MapTree = { type: "map", at, entries: new Map() };
      for (const pair of node.items)
        this.#entry(map, pair as Pair<ParsedNode, ParsedNode | null>, path, depth);
      return map;
    }
    if (isSeq(node)) {
      return {
        type: "list",
        at,
        items: node.items.map((item, index) =>
          this.read(item as ParsedNode | null, [...path, index], depth + 1),
        ),
      };
    }
    const text = isScalar(node) ? textOf(node.value) : "";
    if (!isScalar(node)) return { type: "scalar", at, value: text };
    const { type, range } = node;
    const quoteLength = type === "PLAIN" ? 0 : 1;
    const written = {
      at: { line: at.line, column: at.column + quoteLength },
      text: this.#source.text.slice(range[0] + quoteLength, range[1] - quoteLength),
    };
    if (type === "PLAIN") return { type: "scalar", at, value: resolvePlain(text), plain: text, written };
    return type?.startsWith("QUOTE") === true
      ? { type: "scalar", at, value: text, written }
      : { type: "scalar", at, value: text };
  }

  #entry(map: MapTree, pair: Pair<ParsedNode, ParsedNode | null>, path: Path, depth: number): void {
    const keyAt = this.#at(pair.key);
    const key = isScalar(pair.key) ? textOf(pair.key.value) : undefined;
    if (key === undefined) {
      this.#mistakes.add({
        at: keyAt,
        path,
        message: "the key is not a word",
        hint: "quote it if it is meant as text",
      });
      return;
    }
    const value = this.read(pair.value ?? null, [...path, key], depth + 1);
    const written = pair.value === null ? { ...value, at: keyAt } : value;
    if (key === "__proto__") {
      this.#refuseKey(keyAt, [...path, key], "this key is reserved", "choose another");
      return;
    }
    const first = map.entries.get(key);
    if (first !== undefined) {
      const message = `the key "${shorten(key)}" stands here twice`;
      this.#refuseKey(keyAt, [...path, key], message, `first on line ${first.keyAt.line}`);
      return;
    }
    map.entries.set(key, { keyAt, value: written });
  }

  #refuseKey(at: Position, path: Path, message: string, hint: string): void {
    this.#mistakes.add({ at, path, message, hint, maskFrom: afterKey(at, path) });
  }

  #alias(name: string, at: Position, path: Path, depth: number): Tree | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      this.broken = true;
      this.#mistakes.add({ at, path, message: `there is no anchor &${shorten(name)} before this alias` });
      return undefined;
    }
    if (this.#open.has(target)) {
      this.broken = true;
      this.#mistakes.add({ at, path, message: `the alias *${shorten(name)} stands inside its own anchor` });
      return undefined;
    }
    return this.read(target, path, depth);
  }

  #refuseGrowth(at: Position, path: Path): void {
    if (this.#grown) return;
    this.#grown = true;
    this.broken = true;
    const message = "aliases make the document too large or too deep";
    this.#mistakes.add({ at, path, message, hint: "write the values out" });
  }

  #at(node: ParsedNode | null): Position {
    return this.#source.position(node?.range[0] ?? 0);
  }
}

/** The failsafe schema reads every scalar as text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
