import { basename } from "node:path";
import type { ExitCode } from "../../../error-codes.ts";
import { TminusError } from "../../../errors.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { DatabasePlace } from "../../../model/database.ts";
import * as room from "../../../compose/database/backup.ts";
import type { BackupChoice, StoredBackup, TableChange, Ways } from "../../../compose/database/backup.ts";
import type { CommandContext } from "../../command-context.ts";
import { confirmChange } from "../../confirm.ts";
import type { BackupOptions, MakeOptions, RestoreOptions } from "../../database/backup.ts";

/** Exit code 3 when the backup was made but is no full basis. */
export async function backup(context: CommandContext, options: MakeOptions): Promise<ExitCode> {
  const { place, choice, ways } = await open(context, options);
  const made =
    options.prove === undefined
      ? await room.makeBackup(place, { ...choice, exclude: options.exclude ?? [], tool: options.tool }, ways)
      : await room.proveAgain(place, choice, options.prove, ways);
  const { basis, reasons } = room.isRollbackBasis(made.manifest);
  const { proof, excluded } = made.manifest;
  const exitCode = basis ? 0 : 3;
  context.output.result({ ...summary(made, basis, reasons), exitCode }, [
    `backed up ${room.describeBackup(made.manifest)}, as of ${made.manifest.snapshot.at}`,
    ...(proof === undefined
      ? []
      : [
          `proven: restored in ${formatDuration(proof.restoreSeconds * 1000)}, all rows, sequences and ${proof.objects} objects agree`,
        ]),
    ...(excluded.length === 0 ? [] : [`left out, as told: rows of ${excluded.join(", ")}`]),
    ...reasons,
    made.folder,
  ]);
  return exitCode;
}

/** Exit code 3 when no backup counts. */
export async function backups(context: CommandContext, options: BackupOptions): Promise<ExitCode> {
  const { place, choice } = await open(context, options);
  const found = (await room.storedBackups(place, choice)).map((one) => {
    if ("damage" in one)
      return {
        id: basename(one.folder),
        folder: one.folder,
        basis: false,
        reasons: [one.damage],
        text: "damaged",
      };
    const { basis, reasons } = room.isRollbackBasis(one.manifest);
    return { ...summary(one, basis, reasons), text: room.describeBackup(one.manifest) };
  });
  const exitCode = found.some(({ basis }) => basis) ? 0 : 3;
  context.output.result(
    { backups: found.map(({ id, folder, ...one }) => ({ ...one, id, folder, text: undefined })), exitCode },
    found.length === 0
      ? ["there is no backup", "→ tminus db backup makes one"]
      : found.flatMap(({ id, basis, reasons, text }) => [
          `${id}  ${basis ? "proven" : "does not count"}  ${text}`,
          ...reasons.map((reason) => `  ${reason}`),
        ]),
  );
  return exitCode;
}

export async function backupDiff(
  context: CommandContext,
  name: string | undefined,
  options: BackupOptions,
): Promise<ExitCode> {
  const { place, choice, ways } = await open(context, options);
  const picked = await room.pick(place, choice, name);
  ways.progress("comparing every table with the backup");
  const tables = await room.changes(place, picked, choice, ways);
  context.output.result(
    { backup: picked.manifest.id, at: picked.manifest.snapshot.at, tables, exitCode: 0 },
    [
      ...describeChanges(tables, picked),
      ...(tables.length === 0
        ? []
        : ["restoring it would not bring these back; a forward fix or a down migration loses less"]),
    ],
  );
  return 0;
}

/** Says first what the backup does not have. */
export async function restore(context: CommandContext, options: RestoreOptions): Promise<ExitCode> {
  const { place, choice, ways } = await open(context, options);
  const picked = await room.pick(place, choice, options.from);
  const { manifest } = picked;
  if (manifest.proof === undefined && options.unproven !== true) {
    throw new TminusError(
      "RESTORE_REFUSED",
      `${manifest.id} was never proven: nobody knows whether it restores`,
      {
        hint: `Run tminus db backup --prove ${manifest.id}, or add --unproven.`,
      },
    );
  }
  ways.progress("comparing every table with the backup");
  const tables = await room.changes(place, picked, choice, ways);
  for (const line of describeChanges(tables, picked)) context.output.note(line);
  const environment = { name: place.environment ?? "", protected: place.protected };
  await confirmChange(context, environment, `restore into the new database ${options.into}`, options);
  const startedMs = place.clock.monotonicMs();
  const choices = { ...choice, into: options.into, createRoles: options.createRoles === true };
  await room.restoreInto(place, picked, choices, ways);
  const seconds = Math.round(place.clock.monotonicMs() - startedMs) / 1000;
  context.output.result({ backup: manifest.id, into: options.into, seconds, tables, exitCode: 0 }, [
    `restored ${room.describeBackup(manifest)} into ${options.into} in ${formatDuration(seconds * 1000)}; everything agrees`,
    "the live database was not touched",
  ]);
  return 0;
}

async function open(context: CommandContext, options: BackupOptions) {
  const place: DatabasePlace = await context.openDatabase(options.database);
  const { directory, jobs = 2, programs } = options;
  const choice: BackupChoice = {
    jobs,
    ...(directory === undefined ? {} : { directory }),
    ...(programs === undefined ? {} : { programs }),
  };
  const ways: Ways = {
    signal: context.cancelled,
    progress: (text) => context.output.note(place.redact(text)),
  };
  return { place, choice, ways };
}

function summary({ folder, manifest }: StoredBackup, basis: boolean, reasons: string[]) {
  const { id, snapshot, proof, excluded, uncovered, archive } = manifest;
  return {
    id,
    tool: archive === undefined ? "copy" : "pg_dump",
    folder,
    at: snapshot.at,
    lsn: snapshot.lsn,
    basis,
    reasons,
    excluded,
    uncovered,
    proof: proof ?? null,
  };
}

function describeChanges(tables: readonly TableChange[], { manifest }: StoredBackup): string[] {
  if (tables.length === 0) return [`nothing was written since ${manifest.id} (${manifest.snapshot.at})`];
  return [
    `since ${manifest.id} (${manifest.snapshot.at}):`,
    ...tables.map(({ name, state, rowsInBackup, rowsNow, written }) => {
      const rows = `${rowsInBackup.toLocaleString("en")} rows then, ${rowsNow.toLocaleString("en")} now`;
      if (state === "gone") return `  ${name}  is gone (${rowsInBackup.toLocaleString("en")} rows then)`;
      const count = written === undefined ? "an unknown number of" : written.toLocaleString("en");
      return `  ${name}  rows inserted or changed: ${count}; ${state === "new" ? "the table is new" : rows}`;
    }),
  ];
}
