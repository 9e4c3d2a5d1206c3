import { errorCodes, type ErrorCode, type ExitCode } from "../../error-codes.ts";
import { TminusError, describeCode } from "../../errors.ts";
import { padTo, wrap } from "../../report/text.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import type { CommandContext } from "../command-context.ts";

/** What an error code means and what to do; all codes without an argument. Opens nothing. */
export async function explain({ output }: CommandContext, code: string | undefined): Promise<ExitCode> {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  if (code === undefined) {
    const width = Math.max(...codes.map((item) => item.length));
    output.result(
      { codes: codes.map((item) => ({ code: item, ...describeCode(item) })) },
      codes.flatMap((item) =>
        wrap(describeCode(item).title, output.columns, `${padTo(item, width)}  `, " ".repeat(width + 2)),
      ),
    );
    return 0;
  }
  const found = codes.find((item) => item === code.toUpperCase());
  if (found === undefined) {
    throw new TminusError("USAGE_INVALID", `there is no error code "${code}"`, {
      hint: suggest(code.toUpperCase(), codes, "Codes"),
    });
  }
  const row = describeCode(found);
  output.result({ code: found, ...row }, [
    output.style.bold(`${found}: ${row.title}`),
    "",
    ...wrap(row.why, output.columns),
    "",
    ...wrap(row.next, output.columns, "→ ", "  "),
    "",
    `exit code ${row.exit}; ${row.retryable ? "the same command may succeed later" : "trying again changes nothing"}`,
  ]);
  return 0;
}
