import * as z from "zod";
import type { Observation, StepContext, StepResult } from "../model/step-kind.ts";
import type { Verdict } from "../model/verdict.ts";
import type { Comparison } from "../postgres/migrations/compare.ts";
import type { LedgerRow } from "../postgres/migrations/ledger.ts";
import type { Restored } from "../postgres/phases/restore.ts";
import { readOnly } from "../postgres/session/connect.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { describeContract, forecastContract, type ContractFacts } from "./migrate/contract-forecast.ts";
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

const PUT_BACK = "the down sections run in reverse, and what was archived is put back";

/** Only native files name phases. */
const schema = z.strictObject(migrationSettings).omit({ format: true });

type Context = StepContext<z.output<typeof schema>, ContractFacts>;

/** Applies the files of the contract phase, which take away what no release needs any more. */
export const dbContract = defineStep<typeof schema, ContractFacts>({
  kind: "db.contract",
  version: 1,
  inRollback: false,
  summary:
    "Applies the migrations of the contract phase after sign-off, keeping what they drop in the schema tminus_archive.",
  requirements: ["C11", "C15"],
  schema,
  example: "directory: releases/{release}/migrations\n",

  async gather(context) {
    const { filesDigest, ledgerDigest, contract, problems } = await look(context);
    const files: ContractFacts["files"] = [];
    const found = problems.map(({ reason, fix }) => ({ reason, fix }));
    await readOnly(readOptions(context), async (session) => {
      for (const migration of contract) {
        const { described, problems: refused } = await describeContract(session, migration);
        files.push(described);
        found.push(...refused);
      }
    });
    return {
      directory: context.with.directory,
      files,
      problems: found,
      filesDigest,
      ledgerDigest,
    };
  },

  plan: ({ with: settings, facts }) =>
    forecastContract(facts, {
      lockTimeoutMs: milliseconds(settings.lockTimeout),
      lockRetries: settings.lockRetries,
      lockWaitMs: milliseconds(settings.lockWait),
      statementTimeoutMs: milliseconds(settings.statementTimeout),
    }),

  async observe(context): Promise<Observation> {
    try {
      const { filesDigest, contract, ledger } = await look(context);
      if (filesDigest !== context.facts.filesDigest)
        return { state: "unknown", reason: filesChanged(context) };
      if (contract.length > 0)
        return { state: "absent", reason: `waiting: ${contract.map(({ file }) => file).join(", ")}` };
      return {
        state: "done",
        reason: "the ledger has every file of the contract phase",
        result: await resultOf(context, ledger),
      };
    } catch (error) {
      context.signal.throwIfAborted();
      // Neither files that cannot be read nor a database that does not answer say what has run.
      return { state: "unknown", reason: messageOf(error) };
    }
  },

  async act(context): Promise<StepResult> {
    try {
      const { digestMigrations, discoverMigrations } = await import("../postgres/migrations/discover.ts");
      const { applyContract } = await import("../postgres/phases/apply-contract.ts");
      const migrations = await discoverMigrations(directoryOf(context));
      if (digestMigrations(migrations) !== context.facts.filesDigest)
        return { outcome: "failed", reason: filesChanged(context), result: { applied: [] } };
      const rows = await applyContract(migrations, optionsOf(context));
      const result = await resultOf(context, rows);
      const archived = result.archived.map(({ what, rows: kept }) => `${what} (${kept})`).join(", ");
      const reason = `${count(rows.length)} applied${archived === "" ? "" : `; archived ${archived}`}`;
      return { outcome: "done", reason, result };
    } catch (error) {
      return failedOrThrow(error, ...MIGRATION_ANSWERS);
    }
  },

  async verify(context): Promise<Verdict> {
    try {
      const { contract, problems } = await look(context);
      const wrong = [
        ...problems.map(({ reason }) => reason),
        ...contract.map(({ file }) => `${file} has not run`),
      ];
      if (wrong.length > 0) return { verdict: "fail", reason: wrong.join("; ") };
      return { verdict: "pass", reason: "the ledger has every file of the contract phase" };
    } catch (error) {
      context.signal.throwIfAborted();
      // Not an answer about the migrations.
      return { verdict: "unknown", reason: messageOf(error) };
    }
  },

  /** Whatever rollback.database says: the release before needs what was dropped. */
  async undo(context): Promise<StepResult> {
    try {
      const { revertMigrations } = await import("../postgres/migrations/revert.ts");
      const { restoreGuard } = await import("../postgres/phases/restore.ts");
      const restored: Restored[] = [];
      const outcome = await revertMigrations(optionsOf(context), restoreGuard(restored));
      if (outcome.state === "refused")
        return { outcome: "failed", reason: outcome.reason, result: { reverted: [] } };
      const reverted = outcome.reverted.map(({ version, name }) => ({ version, name }));
      const back = restored.map(({ what, rows }) => `${what} (${rows})`).join(", ");
      const reason = `${count(reverted.length)} undone${back === "" ? "" : `; put back ${back}`}`;
      return { outcome: "done", reason, result: { reverted, restored } };
    } catch (error) {
      return failedOrThrow(error, ...MIGRATION_ANSWERS);
    }
  },

  async previewUndo({ key, with: settings, ...place }) {
    const { whyNotReverted } = await import("../postgres/migrations/revert.ts");
    const options = readOptions({ with: settings, ...place });
    const refusal = await readOnly(options, (session) => whyNotReverted(session, key));
    return { text: refusal ?? PUT_BACK, rowsLost: 0, isRefused: refusal !== undefined };
  },
});

interface Look extends Comparison {
  filesDigest: string;
  ledger: LedgerRow[];
  ledgerDigest: string;
}

/** Files and ledger, in a session that cannot write. */
async function look(place: Place): Promise<Look> {
  const { compareWithLedger } = await import("../postgres/migrations/compare.ts");
  const { digestMigrations, discoverMigrations } = await import("../postgres/migrations/discover.ts");
  const { digestLedger, readLedger } = await import("../postgres/migrations/ledger.ts");
  const migrations = await discoverMigrations(directoryOf(place));
  const ledger = await readOnly(readOptions(place), readLedger);
  return {
    filesDigest: digestMigrations(migrations),
    ledger,
    ledgerDigest: digestLedger(ledger),
    ...compareWithLedger(migrations, ledger),
  };
}

async function resultOf(context: Context, rows: readonly LedgerRow[]) {
  const { readArchivedBy } = await import("../postgres/phases/archive-schema.ts");
  const own = rows.filter(({ runKey }) => runKey === context.key);
  const archived = await readOnly(readOptions(context), (session) => readArchivedBy(session, context.key));
  return { applied: own.map(({ version, name, durationMs }) => ({ version, name, durationMs })), archived };
}

function filesChanged(context: Context): string {
  return `the files in ${context.with.directory} changed after the plan was made`;
}
