import { splitStatements, type Statement } from "../sql/statements.ts";
import { compareCatalogs, readCatalog, type Catalog } from "./catalog.ts";
import type { Contents } from "./contents.ts";
import type { RoundTrip } from "./rehearsal.ts";
import { refusalText, runPieces, runPlain, type Refusal, type RehearsedFile } from "./run-statements.ts";
import type { Workbench } from "./workbench.ts";

export interface RoundTripOptions {
  /** The schema before up, and after it. */
  before: Catalog;
  after: Catalog;
  /** Kept before up; undefined when there were no rows. */
  contents: Contents | undefined;
  /** Whether every table that the file names has the rows that it should have. */
  isCounted: boolean;
}

/**
 * After up: runs down, compares with before, runs up again, compares with after. A transactional file does so in
 * one transaction that is rolled back, so that the files after it find what up left, whatever down did.
 * Errors: DATABASE_UNREACHABLE.
 */
export async function makeRoundTrip(
  bench: Workbench,
  file: RehearsedFile,
  { before, after, contents, isCounted }: RoundTripOptions,
): Promise<RoundTrip> {
  const { down, transactional } = file;
  if (down === undefined) return { state: "no-down" };
  const { statements } = splitStatements(down.sql, down.line);
  // Checks now what a commit would check, and frees the tables for the next change.
  const settle = splitStatements("set constraints all immediate", down.line).statements;
  const run = (which: readonly Statement[]): Promise<Refusal | undefined> =>
    transactional ? runPlain(bench, [...which, ...settle]) : runPieces(bench, which, false);
  await bench.reset();
  if (transactional) await bench.query("begin");
  try {
    const refusedDown = await run(statements);
    if (refusedDown !== undefined)
      return { state: "failed", step: "down", reason: refusalText(file.file, refusedDown) };
    await bench.query("reset search_path");
    const differences = compareCatalogs(before, await readCatalog(bench));
    const losses = contents === undefined ? [] : await contents.lostSince();
    const refusedUp = await run(file.up);
    if (refusedUp !== undefined)
      return { state: "failed", step: "up again", reason: refusalText(file.file, refusedUp) };
    const upAgain = compareCatalogs(after, await readCatalog(bench));
    return { state: "done", differences, upAgain, counted: isCounted, losses };
  } finally {
    if (transactional) await bench.rollback();
    await bench.reset();
  }
}
