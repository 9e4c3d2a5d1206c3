import { Composer, isScalar, visit, type CST, type Document, type ParsedNode, type YAMLError } from "yaml";
import type { Mistakes } from "./diagnostic.ts";
import { shorten, type SourceText } from "./source-text.ts";
import { TreeReader } from "./tree-reader.ts";
import type { Tree } from "./tree.ts";

/**
 * Tokens to a tree. Undefined when the text is not one YAML document or an alias leads nowhere; `mistakes`
 * then says why. Duplicate keys and the like are reported, and the rest of the tree is still given.
 */
export function readYaml(source: SourceText, tokens: CST.Token[], mistakes: Mistakes): Tree | undefined {
  // The library's own check for equal keys takes time with the square of their number.
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
  });
  const [document, second] = [...composer.compose(tokens, true, source.text.length)];
  const before = mistakes.count;
  for (const error of [...(document?.errors ?? []), ...(document?.warnings ?? [])]) {
    const quote = openQuote(document, error);
    const at = source.position(quote ?? error.pos[0]);
    const maskFrom = quote === undefined ? undefined : at.column;
    mistakes.add({ at, path: [], ...syntaxText(error), maskFrom });
  }
  if (second !== undefined) {
    const at = source.position(second.range[0]);
    mistakes.add({
      at,
      path: [],
      message: "a second document starts here",
      hint: "keep one runbook per file",
    });
  }
  for (const token of tokens.filter((token) => token.type === "directive")) {
    const at = source.position(token.offset);
    mistakes.add({ at, path: [], message: "directives (%…) are not supported", hint: "remove this line" });
  }
  if (mistakes.count > before || document === undefined) return undefined;
  if (document.contents === null || isEmpty(document.contents)) {
    mistakes.add({
      at: { line: 1, column: 1 },
      path: [],
      message: "the file is empty",
      hint: "start with: version: 1",
    });
    return undefined;
  }
  const reader = new TreeReader(source, mistakes);
  const tree = reader.read(document.contents, [], 0);
  return reader.broken ? undefined : tree;
}

function isEmpty(node: ParsedNode): boolean {
  return isScalar(node) && node.type === "PLAIN" && node.value === "";
}

const HINTS: Partial<Record<YAMLError["code"], string>> = {
  TAB_AS_INDENT: "indent with spaces",
  MISSING_CHAR: "close what is open",
  BAD_INDENT: "align it with its neighbours",
  TAG_RESOLVE_FAILED: "tags (!name) are not supported; quote the text if it is meant as text",
  MULTIPLE_DOCS: "keep one runbook per file",
  MULTILINE_IMPLICIT_KEY: "a quote or a colon is missing before this line",
};

/** Where the quote was opened that is never closed; the library points at the end of the file. */
function openQuote(document: Document | undefined, error: YAMLError): number | undefined {
  if (document === undefined || error.code !== "MISSING_CHAR" || !error.message.includes("quote"))
    return undefined;
  let start: number | undefined;
  visit(document, {
    Scalar(_, { range, type }) {
      if (type?.startsWith("QUOTE") && range && range[1] >= error.pos[0]) start = range[0];
    },
  });
  return start;
}

function syntaxText(error: YAMLError): { message: string; hint: string } {
  const hint = error.message.startsWith("Flow ") ? "close what is open" : (HINTS[error.code] ?? "");
  return { message: shorten(error.message, 160), hint };
}
