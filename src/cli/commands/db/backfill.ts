import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";
import { refuseWhenFrozen } from "../../refuse-when-frozen.ts";

interface Options {
  database?: string;
  pause?: boolean;
  resume?: boolean;
}

/** Lists the backfills, or asks one to pause or to go on. */
export async function backfill(
  context: CommandContext,
  name: string | undefined,
  { database, pause, resume }: Options,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  if (pause === true && resume === true) {
    throw new TminusError("USAGE_INVALID", "--pause and --resume exclude each other", {
      hint: "Give one of them.",
    });
  }
  const place = await context.openDatabase(database);
  const { isNamed, listBackfills, steerBackfill } = await import("../../../compose/database/backfills.ts");
  if (resume === true) await refuseWhenFrozen(context, place);
  if (pause === true || resume === true) {
    const steered = await steerBackfill(place, name, pause === true ? "pause" : "run", cancelled);
    output.result({ name: steered, wanted: pause === true ? "pause" : "run", exitCode: 0 }, [
      pause === true ? `${steered} pauses after its batch` : `${steered} goes on`,
    ]);
    return 0;
  }
  const all = await listBackfills(place, cancelled);
  const found = name === undefined ? all : all.filter((one) => isNamed(one, name));
  const backfills = found.map(({ leaves, leaf, page, ...one }) => ({
    ...one,
    page,
    leaf: leaf + 1,
    leafs: leaves.length,
    pages: leaves[leaf]?.pages ?? 0,
  }));
  output.result(
    { backfills, exitCode: 0 },
    backfills.length === 0
      ? ["no backfill was begun in this database"]
      : backfills.map(
          ({ name: id, title, state, wanted, rows, page, pages, leaf, leafs }) =>
            `${id}  ${title}  ${state === "done" ? "done" : `${wanted === "pause" ? "paused, " : ""}${state}, page ${page} of ${pages}${leafs > 1 ? ` in part ${leaf} of ${leafs}` : ""}`}, ${rows} rows filled`,
        ),
  );
  return 0;
}
