import { parseSql, type ParsedStatement } from "../sql/parse.ts";
import type { Migration } from "../migrations/migration.ts";
import { BREAKS_RUNNING_RELEASE, findBreaking } from "./breaking.ts";
import type { Existing } from "./existing.ts";

/**
 * What keeps pending files of the phases expand and migrate from being applied while the release before them
 * runs; nothing of a file that allows itself the rule breaks-running-release. Reads nothing.
 */
export async function checkPhases(
  pending: readonly Migration[],
  existing: Existing,
): Promise<{ reason: string; fix: string }[]> {
  const problems: { reason: string; fix: string }[] = [];
  const files: { file: string; statements: ParsedStatement[] }[] = [];
  for (const { file, phase, allows, up } of pending) {
    if (phase === "contract" || allows.some(({ rule }) => rule === BREAKS_RUNNING_RELEASE)) continue;
    const statements: ParsedStatement[] = [];
    for (const { text, line } of up) {
      const parsed = await parseSql(text, line);
      if ("statements" in parsed) statements.push(...parsed.statements);
      else problems.push(unreadable(file, parsed.problem));
    }
    files.push({ file, statements });
  }
  for (const { file, line, what, fix } of findBreaking(files, existing)) {
    problems.push({
      reason: `${file}:${line}: ${what}, while the release before it may still run`,
      fix: `${fix} Where no running release uses it, write '-- tminus: allow ${BREAKS_RUNNING_RELEASE} <reason>' into the file.`,
    });
  }
  return problems;
}

function unreadable(file: string, { line, text }: { line: number; text: string }) {
  return {
    reason: `${file}:${line}: PostgreSQL's parser refuses the statement: ${text}`,
    fix: `Mend ${file}; where the server knows a newer grammar, write '-- tminus: allow ${BREAKS_RUNNING_RELEASE} <reason>' into it.`,
  };
}
