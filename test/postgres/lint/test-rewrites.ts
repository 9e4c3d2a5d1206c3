import type { Node } from "libpg-query";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../../src/errors.ts";
import type { BadExample, LintRule } from "../../../src/postgres/lint/define-rule.ts";
import { readLintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import { sqlOf } from "../../../src/postgres/lint/rewrite/sql-of.ts";
import { parseSql } from "../../../src/postgres/sql/parse.ts";
import { treeOf } from "../../../src/postgres/sql/tree.ts";
import { exampleTemplate, lintExample, shows } from "./example-runner.ts";
import {
  differences,
  lintPieces,
  rewriteExample,
  runOriginal,
  runPieces,
  sharedRows,
} from "./rewrite-runner.ts";

/**
 * Tests of every `parts`th rule that rewrites, from the one at `part` on: a file each, so that they run beside each other.
 */
export function testRewrites(part: number, parts: number): void {
  let template: Template;
  beforeAll(async () => {
    template = await exampleTemplate();
  });
  afterAll(() => template.drop());

  const rules = lintRules
    .filter(({ rewrite }) => rewrite !== undefined)
    .filter((_, position) => position % parts === part);
  describe.each(rules.map((rule) => ({ id: rule.id, rule })))("$id", ({ rule }) => {
    it.each(rule.bad.map((example) => ({ sql: text(example.sql), example })))(
      "alone: $sql",
      async ({ example }) => {
        await check(template, rule, example);
      },
    );

    it("keeps the other commands of an ALTER TABLE", async () => {
      for (const example of rule.bad) {
        const among = await amongOthers(example);
        if (among === undefined) continue;
        await check(template, rule, among);
        // One shows it; the statement is cut up before the rule sees it.
        return;
      }
    });
  });
}

type Template = Awaited<ReturnType<typeof exampleTemplate>>;

/**
 * The rewritten example runs without the harm, is found clean, and ends with the schema and the rows with which the
 * original ends.
 */
async function check(template: Template, rule: LintRule, example: BadExample): Promise<void> {
  const written = await rewriteExample(rule, example);
  if ("reasons" in written) {
    expect(example.isLeft, `${text(example.sql)} is not rewritten: ${text(written.reasons)}`).toBe(true);
    expect(written.reasons).not.toEqual([]);
    return;
  }
  const { pieces, declared } = written;
  expect(example.isLeft, `${text(example.sql)} is rewritten`).toBeUndefined();
  const sequence = text(pieces);
  expectOrder(pieces);

  const before = (await lintExample(example)).findings;
  const after = (await lintPieces(example, pieces)).findings;
  const known = before.filter(({ severity }) => severity === "block").map((finding) => finding.rule);
  const wrong = after.filter(
    (finding) => finding.rule === rule.id || (finding.severity === "block" && !known.includes(finding.rule)),
  );
  expect(wrong, sequence).toEqual([]);

  const original = await runOriginal(template, mended(example));
  const ends = declared.flatMap((each) => each.ends ?? []);
  const outcome = await runPieces(template, example, pieces, {
    async beforeContract(client, seen) {
      expect(seen.error, sequence).toBeUndefined();
      if ("unseen" in example.effect) return;
      expect(await shows(example.effect, client, seen), `${sequence} shows ${text(example.effect)}`).toBe(
        false,
      );
    },
    async atEnd(client) {
      for (const query of ends)
        expect(await shows({ shows: query }, client, original.seen), `${sequence}: ${query}`).toBe(true);
    },
  });
  expect(outcome.seen.error, sequence).toBeUndefined();
  if ("rewrites" in example.effect) expect(outcome.seen.rewritten).not.toContain(example.effect.rewrites);
  if ("scans" in example.effect) expect(outcome.seen.scanned).not.toContain(example.effect.scans);
  expect(outcome.notTakenBack, sequence).toEqual([]);

  const canRun = original.seen.error === undefined;
  if (!canRun)
    expect(ends, `${text(example.sql)} cannot run: the rewrite must say how it ends`).not.toEqual([]);
  else {
    const meant = declared.flatMap(({ differs = [] }) => differs.map(({ object }) => object));
    expect(differences(original.schema, outcome.schema).sort(), sequence).toEqual(meant.sort());
  }
  const otherValues = declared.flatMap((each) => each.otherValues ?? []);
  const [expected, found] = sharedRows(canRun ? original.rows : outcome.start, outcome.rows, otherValues);
  expect(found, sequence).toEqual(expected);
}

/** With rows on which the original can run. */
function mended({ before = "", fits = "", ...example }: BadExample): BadExample {
  return fits === "" && before === "" ? example : { ...example, before: `${before};${fits}` };
}

/** Behind a backfill only files of the phase contract, and only they behind such a file. */
function expectOrder(
  pieces: readonly { kind: string; phase?: string; transactional?: boolean; sql?: string }[],
): void {
  const ranks = pieces.map(({ kind, phase }) => (kind === "backfill" ? 1 : phase === "contract" ? 2 : 0));
  expect(ranks, text(pieces)).toEqual(ranks.toSorted((a, b) => a - b));
}

/** The example with a column added by a command before and a command behind its own; undefined when it has several statements. */
async function amongOthers(example: BadExample): Promise<BadExample | undefined> {
  if (typeof example.sql !== "string") return undefined;
  const parsed = await parseSql(readLintFile("example.sql", example.sql).sql);
  if (!("statements" in parsed) || parsed.statements.length !== 1) return undefined;
  const { node, text: written } = parsed.statements[0]!;
  const tree = treeOf(node, "AlterTableStmt");
  if (/_(Attach|Detach)Partition$/.test(treeOf(tree?.cmds?.[0], "AlterTableCmd")?.subtype ?? ""))
    return undefined;
  const others = await parseSql("alter table t add column zz_before text, add column zz_after text");
  if (tree?.cmds?.length !== 1 || !("statements" in others)) return undefined;
  const [first, last] = treeOf(others.statements[0]!.node, "AlterTableStmt")!.cmds!;
  const sql = printed({ AlterTableStmt: { ...tree, cmds: [first!, ...tree.cmds, last!] } });
  if (sql === undefined) return undefined;
  return { ...example, sql: example.sql.replace(written, () => sql.slice(0, -1)) };
}

/** Undefined for what the linter cannot cut up either. */
function printed(node: Node): string | undefined {
  try {
    return sqlOf(node);
  } catch (error) {
    if (!hasCode(error, "SQL_UNPRINTABLE")) throw error;
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
