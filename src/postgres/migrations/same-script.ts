import { scanSql } from "../sql/scan-sql.ts";

/**
 * Whether two scripts hold the same SQL: comments, space between words, and where the text was cut into statements
 * make no difference, because each tool cuts in its own way.
 */
export function isSameScript(first: readonly string[], second: readonly string[]): boolean {
  return meaningOf(first) === meaningOf(second);
}

function meaningOf(script: readonly string[]): string {
  const words: string[] = [];
  for (const text of script) {
    const { tokens, unclosed } = scanSql(text);
    for (const { kind, text: word } of tokens)
      if (kind !== "space" && kind !== "comment" && word !== ";") words.push(word);
    if (unclosed !== undefined) words.push(text.slice(unclosed.start));
  }
  return words.join("\u0000").replaceAll("\r\n", "\n");
}
