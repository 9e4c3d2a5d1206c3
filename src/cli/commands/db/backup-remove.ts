import * as room from "../../../compose/database/backup.ts";
import type { StoredBackup } from "../../../compose/database/backup.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { TminusError } from "../../../errors.ts";
import type { CommandContext } from "../../command-context.ts";
import { confirmChange } from "../../confirm.ts";
import type { RemoveOptions } from "../../database/backup.ts";

/** More are not active at once in earnest. */
const MAX_ACTIVE = 200;

/** Exit code 3 when a backup was named that has to stay; then none is removed. */
export async function backupRemove(
  context: CommandContext,
  names: readonly string[],
  options: RemoveOptions,
): Promise<ExitCode> {
  const { keep, olderThan, directory } = options;
  if (names.length > 0 === (keep !== undefined || olderThan !== undefined)) {
    throw new TminusError("USAGE_INVALID", "it is not said which backups are to be removed", {
      hint: "Name them, or give --keep or --older-than.",
    });
  }
  const place = await context.openDatabase(options.database);
  const held = await heldByRuns(context, place.environment);
  const before = olderThan === undefined ? undefined : new Date(place.clock.now().getTime() - olderThan);
  const choice = { jobs: 1, ...(directory === undefined ? {} : { directory }) };
  const chosen = await room.selectForRemoval(place, choice, { names, rule: { keep, before } }, held);
  const staying = chosen.flatMap(({ backup, kept }) =>
    kept === undefined ? [] : [{ id: backup.manifest.id, reason: kept }],
  );
  const going = chosen.filter(({ kept }) => kept === undefined).map(({ backup }) => backup);
  const said = staying.map(({ id, reason }) => `${id}  stays: ${reason}`);
  const isRefused = names.length > 0 && staying.length > 0;
  const ids = going.map(({ manifest }) => manifest.id);
  if (options.look === true || isRefused || going.length === 0) {
    const exitCode = isRefused ? 3 : 0;
    context.output.result({ removed: [], wouldRemove: ids, staying, exitCode }, [
      ...going.map((backup) => `${describe(backup)}  ${isRefused ? "stays, too" : "would be removed"}`),
      ...said,
      ...(going.length === 0 && !isRefused ? ["nothing is to be removed"] : []),
    ]);
    return exitCode;
  }
  for (const backup of going) context.output.note(`${describe(backup)}  will be removed`);
  const environment = { name: place.environment ?? "", protected: place.protected };
  await confirmChange(context, environment, `remove ${going.length} of its backups`, options);
  for (const { folder } of going) {
    context.cancelled.throwIfAborted();
    await room.removeBackup(folder);
  }
  context.output.result({ removed: ids, wouldRemove: [], staying, exitCode: 0 }, [
    ...ids.map((id) => `${id}  removed`),
    ...said,
  ]);
  return 0;
}

/**
 * Why a run still needs a backup: it has not ended, or it is the environment's last and may still be gone back from.
 * Without a runbook there are no runs.
 */
async function heldByRuns(
  context: CommandContext,
  environment: string | undefined,
): Promise<(manifest: StoredBackup["manifest"]) => string | undefined> {
  if (environment === undefined) return () => undefined;
  const tminus = await context.open();
  const { runs: newest } = await tminus.listRuns({ environment, limit: 1 });
  const { runs: active } = await tminus.listRuns({ environment, state: "active", limit: MAX_ACTIVE });
  const needing = [...newest, ...active];
  const named = new Map<unknown, string>();
  for (const { id } of needing) {
    for (const { result } of await tminus.attempts(id)) {
      if (result?.id !== undefined) named.set(result.id, id);
    }
  }
  return ({ id, key }) => {
    const run = named.get(id) ?? needing.find((one) => key?.includes(one.id) === true)?.id;
    return run === undefined ? undefined : `run ${run} may still go back to it`;
  };
}

function describe({ manifest }: StoredBackup): string {
  return `${manifest.id}  ${room.describeBackup(manifest)}`;
}
