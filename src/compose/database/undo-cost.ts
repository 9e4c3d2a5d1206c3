import { TminusError } from "../../errors.ts";
import type { DatabasePlace } from "../../model/database.ts";
import { readLedger, type LedgerRow } from "../../postgres/migrations/ledger.ts";
import { whyNotReverted } from "../../postgres/migrations/revert.ts";
import { readOnly } from "../../postgres/session/connect.ts";
import { gradeUndo, type UndoGrade } from "../../postgres/undo/grade.ts";

/** Counting reads whole tables. */
const COUNT_TIMEOUT_MS = 120_000;

export interface UndoCost {
  /** Key of the run's step that applied them. */
  key: string;
  /** Newest first: files. */
  migrations: string[];
  /** Why they cannot be undone as the database is now, whatever it costs. */
  refusal: string | undefined;
  grade: UndoGrade;
}

/**
 * Counts what undoing the migrations of a run would lose now: those of the step that applied last, or of the run
 * whose id begins with `run`. One snapshot; reads only. Errors: RUN_UNKNOWN, USAGE_INVALID, DATABASE_UNREACHABLE.
 */
export function readUndoCost(
  { connectionString, redact }: DatabasePlace,
  run: string | undefined,
  signal: AbortSignal,
): Promise<UndoCost> {
  const options = {
    connectionString: connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: COUNT_TIMEOUT_MS,
    signal,
  };
  return readOnly(options, async (session) => {
    const ledger = await readLedger(session);
    const key = keyOf(ledger, run);
    const rows = ledger.filter(({ runKey }) => runKey === key).reverse();
    const grade = await gradeUndo(session, key);
    return {
      key,
      migrations: rows.map(({ file }) => file),
      refusal: await whyNotReverted(session, key),
      grade: {
        ...grade,
        text: redact(grade.text),
        losses: grade.losses.map((loss) => ({ ...loss, text: redact(loss.text) })),
      },
    };
  });
}

function keyOf(ledger: readonly LedgerRow[], run: string | undefined): string {
  const found = ledger.filter(({ runKey }) => run === undefined || runKey.startsWith(run));
  const newest = found.reduce<LedgerRow | undefined>(
    (best, row) => (best === undefined || row.appliedAt >= best.appliedAt ? row : best),
    undefined,
  );
  if (newest === undefined) {
    const which =
      run === undefined ? "no migration was applied" : `no migration was applied by a run ${run}…`;
    throw new TminusError("RUN_UNKNOWN", `${which} by tminus in this database`, {
      hint: "tminus db status tells which migrations have run, and tminus log which runs there were.",
    });
  }
  const keys = new Set(found.map(({ runKey }) => runKey));
  if (run === undefined || keys.size === 1) return newest.runKey;
  throw new TminusError("USAGE_INVALID", `${run} is the beginning of ${keys.size}: ${[...keys].join(", ")}`, {
    hint: "Give more of it.",
  });
}
