import type { Session } from "../../session/connect.ts";
import type { Statement } from "../../sql/statements.ts";
import type { OwnerRow } from "../history.ts";
import type { Migration } from "../migration.ts";
import { firstLine } from "../run-statement.ts";
import { readEffect, type Effect } from "../statement-effect.ts";

/**
 * A failed row keeps Prisma from migrating at all (P3009), and Prisma cannot tell what took effect. Here the
 * catalog is asked statement by statement. A repair is offered only where what it shows fits a file that stopped
 * at one place; else it is said what cannot be told. Reads only.
 */
export async function adviseOnFailure(
  session: Session,
  { version, file, log }: OwnerRow,
  migration: Migration | undefined,
): Promise<string> {
  const applied = `prisma migrate resolve --applied "${version}"`;
  const rolledBack = `prisma migrate resolve --rolled-back "${version}"`;
  if (migration === undefined) return `Put ${file} back, so that it can be seen what of it took effect.`;
  const { up } = migration;
  const effects: Effect[] = [];
  for (const statement of up) effects.push(await readEffect(session, statement));
  const doubt = doubtOf(file, up, effects, log ?? "");
  if (doubt !== undefined)
    return `${doubt}: look at the database, finish or take back the file by hand, then run ${applied} or ${rolledBack}.`;
  const done = effects.filter((effect) => effect === "done").length;
  if (done === 0)
    return `Nothing of ${file} is in the database: run ${rolledBack}, correct the file, and deploy again.`;
  if (done === up.length) return `All of ${file} is in the database: run ${applied}.`;
  return [
    `The first ${done} of ${up.length} statements of ${file} took effect. Run what is left, corrected where it failed, then run ${applied}:`,
    ...up.slice(done).map(({ text }) => `  ${text};`),
  ].join("\n");
}

/** Why the catalog proves no repair; undefined when it does. */
function doubtOf(
  file: string,
  up: readonly Statement[],
  effects: readonly Effect[],
  log: string,
): string | undefined {
  const open = effects.indexOf("unknown");
  if (open !== -1)
    return `The catalog cannot tell whether ${file}:${up[open]!.line} took effect (${firstLine(up[open]!)})`;
  const firstAbsent = effects.indexOf("absent");
  const isMixed = firstAbsent !== -1 && effects.includes("done", firstAbsent);
  if (isMixed)
    return `Later statements of ${file} are in the database, ${file}:${up[firstAbsent]!.line} is not`;
  // What the failed statement makes was there before, so that its being there shows nothing.
  if (/already exists/.test(log)) return `Something that ${file} makes was there before it ran`;
  if (firstAbsent === -1 && log.trim() !== "")
    return `A statement of ${file} failed, but all that the file makes is in the database`;
  return undefined;
}
