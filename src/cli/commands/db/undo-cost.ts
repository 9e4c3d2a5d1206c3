import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

/** Exit code 3 when undoing loses rows or is impossible, 1 when it could not be counted. */
export async function undoCost(
  context: CommandContext,
  run: string | undefined,
  { database }: { database?: string },
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(database);
  const { readUndoCost } = await import("../../../compose/database/undo-cost.ts");
  output.note("counting what undoing would lose");
  const { key, migrations, refusal, grade } = await readUndoCost(place, run, cancelled);
  const { losses, rows, text } = grade;
  const isUnknown = losses.some((loss) => loss.rows === undefined);
  const exitCode = refusal !== undefined || rows > 0 ? 3 : isUnknown ? 1 : 0;
  output.result(
    {
      environment: place.environment ?? null,
      run: key,
      migrations,
      refusal: refusal ?? null,
      rows: isUnknown ? null : rows,
      losses: losses.map((loss) => ({ ...loss, rows: loss.rows ?? null })),
      text,
      exitCode,
    },
    [
      `${migrations.length} applied by ${key}: ${text}`,
      ...(refusal === undefined ? [] : [`cannot be undone: ${refusal}`]),
      ...losses.map(
        ({ file, line, text: what, since }) => `${file}:${line}: ${what}, written since ${since}`,
      ),
    ],
  );
  return exitCode;
}
