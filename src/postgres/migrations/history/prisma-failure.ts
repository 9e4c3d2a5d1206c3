import type { Session } from "../../session/connect.ts";
import type { OwnerRow } from "../history.ts";
import type { Migration } from "../migration.ts";
import { firstLine } from "../run-statement.ts";
import { readEffect, type Effect } from "../statement-effect.ts";

/**
 * A failed row keeps Prisma from migrating at all (P3009), and Prisma cannot tell what took effect. Here the
 * catalog is asked statement by statement, and the repair that it proves is offered as text. Reads only.
 */
export async function adviseOnFailure(
  session: Session,
  { version, file }: OwnerRow,
  migration: Migration | undefined,
): Promise<string> {
  const applied = `prisma migrate resolve --applied "${version}"`;
  const rolledBack = `prisma migrate resolve --rolled-back "${version}"`;
  if (migration === undefined) return `Put ${file} back, so that it can be seen what of it took effect.`;
  const total = migration.up.length;
  const effects: Effect[] = [];
  for (const statement of migration.up) effects.push(await readEffect(session, statement));
  const open = effects.findIndex((effect) => effect === "unknown");
  if (open !== -1) {
    const statement = migration.up[open]!;
    return `The catalog cannot tell whether ${file}:${statement.line} took effect (${firstLine(statement)}): look at the data, finish or take back the file by hand, then run ${applied} or ${rolledBack}.`;
  }
  const done = effects.filter((effect) => effect === "done").length;
  if (done === 0)
    return `Nothing of ${file} is in the database: run ${rolledBack}, correct the file, and deploy again.`;
  if (done === total) return `All of ${file} is in the database: run ${applied}.`;
  const rest = migration.up.filter((_statement, index) => effects[index] === "absent");
  return [
    `${done} of ${total} statements of ${file} took effect. Correct what failed, run what is left by hand, then run ${applied}:`,
    ...rest.map(({ text }) => `  ${text};`),
  ].join("\n");
}
