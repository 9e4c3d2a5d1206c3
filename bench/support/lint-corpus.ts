import { readdirSync, readFileSync } from "node:fs";
import { lint, type LintReport } from "../../src/postgres/lint/lint.ts";
import { readLintFile } from "../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../src/postgres/lint/registry.ts";

const FOLDER = new URL("../../test/fixtures/lint-corpus/", import.meta.url);

/** A migration with what is wrong with it, in the judgement of people. */
export interface LintCase {
  name: string;
  /** Rules of which one must be found; none where nothing is wrong. */
  harms: string[];
  /** SQL that earlier migrations ran, on top of the schema of the corpus. */
  before: string;
  sql: string;
  transactional: boolean;
}

/** Every labelled case. */
export function lintCases(): LintCase[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".sql") && file !== "schema.sql");
  return files.toSorted().flatMap((file) => {
    const [, ...parts] = readFileSync(new URL(file, FOLDER), "utf8").split(/^-- case: /m);
    return parts.map(readCase);
  });
}

/** What the linter says of a case. */
export async function lintCase({ name, before, sql, transactional }: LintCase): Promise<LintReport> {
  const schema = readFileSync(new URL("schema.sql", FOLDER), "utf8");
  const earlier = [schema, before].map((text, index) => readLintFile(`${index}`, text));
  const asked = readLintFile(name, sql, { transactional });
  const rules = lintRules.filter((rule) => rule.style !== true);
  return lint([...earlier, asked], { rules, isAsked: (file) => file === asked, isOneBatch: true });
}

function readCase(part: string): LintCase {
  const harms = [...part.matchAll(/^-- (?:harm|or): (\S+)$/gm)].map(([, rule]) => rule!);
  const text = part.replaceAll(/^-- (harm|or|mode): .*\n/gm, "").replace(/^.*\n/, "");
  const split = /^-- before\n([\s\S]*)^-- migration\n([\s\S]*)$/m.exec(text);
  return {
    name: part.slice(0, part.indexOf("\n")),
    harms: harms.filter((rule) => rule !== "none"),
    before: split?.[1] ?? "",
    sql: split?.[2] ?? text,
    transactional: !/^-- mode: outside$/m.test(part),
  };
}
