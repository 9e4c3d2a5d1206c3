import { extname } from "node:path";
import { isPlaceholder, maskSecret } from "./mask.ts";
import { ownMatches, type Match } from "./own-rules.ts";

/** Where a secret stands, without the secret. */
export interface Finding {
  /** From the root of the repository, with slashes. */
  file: string;
  /** Both from 1. */
  line: number;
  column: number;
  rule: string;
  /** What may be shown of it. */
  sample: string;
  /** The commit that brought it, when it is looked for in the history. */
  commit?: string;
}

export type Scanner = (file: string, text: string) => Promise<Finding[]>;

/**
 * Looks for secrets in a text by secretlint's recommended rules and our own. The rule that lets comments in a file
 * switch others off is left out: exceptions stand in one list, with a reason and an end.
 */
export async function openScanner(): Promise<Scanner> {
  const [{ lintSource }, preset, { secretLintProfiler }] = await Promise.all([
    import("@secretlint/core"),
    import("@secretlint/secretlint-rule-preset-recommend"),
    import("@secretlint/profiler"),
  ]);
  // It keeps a measurement for each rule and file, for nobody.
  secretLintProfiler.setEnabled(false);
  const config = {
    rules: preset.rules
      .filter(({ meta }) => meta.id !== "@secretlint/secretlint-rule-filter-comments")
      .map((rule) => ({ id: rule.meta.id, rule })),
  };
  return async (file, text) => {
    const { messages } = await lintSource({
      source: { filePath: file, content: text, ext: extname(file), contentType: "text" },
      options: { config },
    });
    const known = messages.map(({ ruleId, range: [from, to] }): Match => {
      const length = withoutTail(text.slice(from, to)).length;
      return { rule: ruleId.replace("@secretlint/secretlint-rule-", ""), from, to: from + length };
    });
    return findingsOf(file, text, [...known, ...ownMatches(text)]);
  };
}

function findingsOf(file: string, text: string, matches: readonly Match[]): Finding[] {
  return matches
    .filter(({ from, to }) => !isPlaceholder(text.slice(from, to)))
    .toSorted((one, other) => one.from - other.from)
    .map(({ rule, from, to }) => {
      const before = text.slice(0, from).split("\n");
      return {
        file,
        line: before.length,
        column: before.at(-1)!.length + 1,
        rule,
        sample: maskSecret(text.slice(from, to)),
      };
    });
}

/** Of an address, some rules take in what stands behind its closing quote. */
function withoutTail(matched: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(matched) ? matched.replace(/["'`\s].*$/s, "") : matched;
}
