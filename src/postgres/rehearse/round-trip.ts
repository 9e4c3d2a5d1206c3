import { splitStatements } from "../sql/statements.ts";
import { compareCatalogs, readCatalog, type Catalog } from "./catalog.ts";
import type { Contents } from "./contents.ts";
import type { RoundTrip } from "./rehearsal.ts";
import { refusalText, runPlain, type RehearsedFile } from "./run-statements.ts";
import type { Workbench } from "./workbench.ts";

/**
 * After up: runs down, compares with before, runs up again, compares with after. A transactional file does so in
 * one transaction that is rolled back, so that the files after it find what up left, whatever down did.
 * `contents` were kept before up; undefined when there were no rows. Errors: DATABASE_UNREACHABLE.
 */
export async function makeRoundTrip(
  bench: Workbench,
  file: RehearsedFile,
  { before, contents, isCounted }: { before: Catalog; contents: Contents | undefined; isCounted: boolean },
): Promise<RoundTrip> {
  const { down, transactional } = file;
  if (down === undefined) return { state: "no-down" };
  const after = await readCatalog(bench);
  const { statements } = splitStatements(down.sql, down.line);
  // Checks now what a commit would check, and frees the tables for the next change.
  const settle = splitStatements("set constraints all immediate", down.line).statements;
  await bench.reset();
  if (transactional) await bench.query("begin");
  try {
    const refusedDown = await runPlain(bench, transactional ? [...statements, ...settle] : statements);
    if (refusedDown !== undefined)
      return { state: "failed", step: "down", reason: refusalText(file.file, refusedDown) };
    await bench.query("reset search_path");
    const differences = compareCatalogs(before, await readCatalog(bench));
    const losses = contents === undefined ? [] : await contents.lostSince();
    const refusedUp = await runPlain(bench, transactional ? [...file.up, ...settle] : file.up);
    if (refusedUp !== undefined)
      return { state: "failed", step: "up again", reason: refusalText(file.file, refusedUp) };
    const upAgain = compareCatalogs(after, await readCatalog(bench));
    return { state: "done", differences, upAgain, counted: isCounted, losses };
  } finally {
    if (transactional) await bench.rollback();
    await bench.reset();
  }
}
