import * as z from "zod";
import type { JsonObject } from "../model/json.ts";
import type { Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import type { Migration } from "../postgres/migrations/migration.ts";
import { readOnly } from "../postgres/session/connect.ts";
import type { LedgerRow } from "../postgres/migrations/ledger.ts";
import type { FolderOfMigrations, Standing } from "../postgres/migrations/read-history.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { describePending, forecastMigrations, type MigrationFacts } from "./migrate/forecast.ts";
import {
  count,
  directoryOf,
  MIGRATION_ANSWERS,
  messageOf,
  migrationSettings,
  milliseconds,
  optionsOf,
  readOptions,
  type Place,
} from "./migrate/place.ts";

const schema = z.strictObject({
  ...migrationSettings,
  loss: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe(
      "Whether an undo with rollback.database down may drop what was written since; refused, the schema stays",
    ),
});

const LOSS_HINT = "it is refused for that, because the step does not say 'loss: allow'";

type With = z.output<typeof schema>;
type Context = StepContext<With, MigrationFacts>;

/** Applies plain SQL migrations, each in one transaction with its ledger row. */
export const dbMigrate = defineStep<typeof schema, MigrationFacts>({
  kind: "db.migrate",
  version: 1,
  inRollback: false,
  summary: "Applies the pending SQL migrations of a folder to the environment's Postgres database.",
  requirements: ["C2"],
  schema,
  example: "directory: releases/{release}/migrations\nlockTimeout: 2s\n",

  async gather(context) {
    const { format, filesDigest, digest, ledger, adoptable, pending, problems } = await look(context);
    const breaking = pending.length === 0 ? [] : await findBreaking(pending, context);
    return {
      directory: context.with.directory,
      format,
      adopted: { count: adoptable.length, unproven: adoptable.filter(({ proven }) => !proven).length },
      pending: await Promise.all(pending.map(describePending)),
      applied: ledger.length + adoptable.length,
      problems: [...problems.map(({ reason, fix }) => ({ reason, fix })), ...breaking],
      filesDigest,
      ledgerDigest: digest,
    };
  },

  plan: ({ with: settings, facts, rollbackDatabase }) =>
    forecastMigrations(facts, rollbackDatabase, {
      lockTimeoutMs: milliseconds(settings.lockTimeout),
      lockRetries: settings.lockRetries,
      lockWaitMs: milliseconds(settings.lockWait),
      statementTimeoutMs: milliseconds(settings.statementTimeout),
    }),

  async observe(context): Promise<Observation> {
    try {
      const { filesDigest, ledger, pending, problems } = await look(context);
      if (filesDigest !== context.facts.filesDigest) {
        return { state: "unknown", reason: filesChanged(context) };
      }
      if (problems.length > 0)
        return { state: "absent", reason: problems.map(({ reason }) => reason).join("; ") };
      if (pending.length > 0) {
        return { state: "absent", reason: `pending: ${pending.map(({ file }) => file).join(", ")}` };
      }
      return {
        state: "done",
        reason: "the ledger has every migration",
        result: appliedBy(ledger, context.key),
      };
    } catch (error) {
      context.signal.throwIfAborted();
      // Neither files that cannot be read nor a database that does not answer say what has run.
      return { state: "unknown", reason: messageOf(error) };
    }
  },

  async act(context): Promise<StepResult> {
    try {
      const { format, migrations, digest } = await discover(context);
      if (digest !== context.facts.filesDigest) {
        return { outcome: "failed", reason: filesChanged(context), result: { applied: [] } };
      }
      const { applyMigrations } = await import("../postgres/migrations/apply.ts");
      const rows = await applyMigrations(migrations, optionsOf(context, format));
      return {
        outcome: "done",
        reason: `${count(rows.length)} applied`,
        result: appliedBy(rows, context.key),
      };
    } catch (error) {
      return failedOrThrow(error, ...MIGRATION_ANSWERS);
    }
  },

  async verify(context): Promise<Verdict> {
    try {
      const { migrations, pending, problems } = await look(context);
      const wrong = [
        ...problems.map(({ reason }) => reason),
        ...pending.map(({ file }) => `${file} has not run`),
      ];
      if (wrong.length > 0) return { verdict: "fail", reason: wrong.join("; ") };
      return {
        verdict: "pass",
        reason: `the ledger has all ${migrations.length} files with equal checksums`,
      };
    } catch (error) {
      context.signal.throwIfAborted();
      // Not an answer about the migrations.
      return { verdict: "unknown", reason: messageOf(error) };
    }
  },

  async undo(context): Promise<StepResult> {
    try {
      if (context.rollbackDatabase === "keep") return await keepSchema(context);
      const { lossGuard } = await import("../postgres/undo/loss-guard.ts");
      const { revertMigrations } = await import("../postgres/migrations/revert.ts");
      const guard = context.with.loss === "allow" ? {} : lossGuard(context.key);
      const outcome = await revertMigrations(optionsOf(context, context.facts.format), guard);
      if (outcome.state === "refused")
        return { outcome: "failed", reason: outcome.reason, result: { reverted: [] } };
      const reverted = outcome.reverted.map(({ version, name }) => ({ version, name }));
      return { outcome: "done", reason: `${count(reverted.length)} undone`, result: { reverted } };
    } catch (error) {
      return failedOrThrow(error, ...MIGRATION_ANSWERS);
    }
  },

  async previewUndo({ rollbackDatabase, key, with: settings, ...place }) {
    if (rollbackDatabase === "keep") return { text: "the schema stays", rowsLost: 0, isRefused: false };
    const { whyNotReverted } = await import("../postgres/migrations/revert.ts");
    const { countedNow, gradeUndo } = await import("../postgres/undo/grade.ts");
    return readOnly(readOptions({ with: settings, ...place }), async (session) => {
      const refusal = await whyNotReverted(session, key);
      if (refusal !== undefined) return { text: refusal, rowsLost: 0, isRefused: true };
      const { losses, rows, text } = await gradeUndo(session, key);
      if (countedNow(losses).length > 0 && settings.loss === "refuse")
        return { text: `${text}; ${LOSS_HINT}`, rowsLost: 0, isRefused: true };
      const isCounted = losses.every((loss) => loss.rows !== undefined);
      return { text, rowsLost: isCounted ? rows : undefined, isRefused: false };
    });
  },
});

interface Look extends Standing, Omit<FolderOfMigrations, "digest"> {
  filesDigest: string;
}

type MigratePlace = Place & { with: Pick<With, "format"> };

async function discover(place: MigratePlace): Promise<FolderOfMigrations> {
  const { discoverHistory } = await import("../postgres/migrations/read-history.ts");
  return discoverHistory(directoryOf(place), place.with.format);
}

/** Files and ledger, in a session that cannot write. */
async function look(place: MigratePlace): Promise<Look> {
  const { readStanding } = await import("../postgres/migrations/read-history.ts");
  const { format, migrations, digest: filesDigest } = await discover(place);
  const standing = await readOnly(readOptions(place), (session) => readStanding(session, format, migrations));
  return { format, migrations, filesDigest, ...standing };
}

async function findBreaking(pending: readonly Migration[], place: MigratePlace) {
  const { checkPhases } = await import("../postgres/phases/check-phases.ts");
  const { readExisting } = await import("../postgres/phases/existing.ts");
  return checkPhases(pending, await readOnly(readOptions(place), readExisting));
}

async function keepSchema(context: Context): Promise<StepResult> {
  const { readLedger } = await import("../postgres/migrations/ledger.ts");
  const rows = await readOnly(readOptions(context), readLedger);
  const ours = rows.filter(({ runKey }) => runKey === context.key).length;
  const reason = `the schema stays: ${count(ours)} of this run ${ours === 1 ? "remains" : "remain"} applied`;
  return { outcome: "done", reason, result: { reverted: [] } };
}

function appliedBy(rows: readonly LedgerRow[], key: string): JsonObject {
  const own = rows.filter(({ runKey }) => runKey === key);
  return { applied: own.map(({ version, name, durationMs }) => ({ version, name, durationMs })) };
}

function filesChanged(context: Context): string {
  return `the files in ${context.with.directory} changed after the plan was made`;
}
