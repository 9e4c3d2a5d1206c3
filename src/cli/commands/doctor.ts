import { toErrorRecord } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { deadline } from "../../lib/clock.ts";
import type { DoctorCheck } from "../../model/tminus.ts";
import { clean, wrap, type Style } from "../../report/text.ts";
import type { CommandContext } from "../command-context.ts";

const TIMEOUT_MS = 60_000;

/** Every check with its fix. Exit code 1 when one failed or could not be found out. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  const checks = await checksOf(context);
  const isGood = checks.every(({ verdict }) => verdict === "pass");
  output.result({ checks, good: isGood }, [
    ...checks.flatMap((check) => checkLines(check, output)),
    isGood ? "Everything that tminus needs is there." : "Something is missing; the arrows say what to do.",
  ]);
  return isGood ? 0 : 1;
}

function nodeCheck(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isNew = major > 22 || (major === 22 && minor >= 13);
  return {
    id: "node",
    verdict: isNew ? "pass" : "fail",
    text: `Node.js ${process.versions.node}${isNew ? "" : ", but tminus needs 22.13 or newer"}`,
    ...(isNew ? {} : { fix: "Install Node.js 24." }),
  };
}

/** A runbook that cannot be opened is one failed check, not the end of the doctor. */
async function checksOf(context: CommandContext): Promise<DoctorCheck[]> {
  try {
    const tminus = await context.open();
    return await tminus.doctor(deadline(TIMEOUT_MS, context.cancelled));
  } catch (error) {
    context.cancelled.throwIfAborted();
    const { code, message, hint } = toErrorRecord(error);
    return [nodeCheck(), { id: "project", verdict: "fail", text: `${code} ${message}`, fix: hint }];
  }
}

function checkLines(
  { id, verdict, text, fix }: DoctorCheck,
  { columns, style }: { columns: number; style: Style },
): string[] {
  const word = { pass: "✓ pass   ", fail: "✗ fail   ", unknown: "? unknown" }[verdict];
  const paint = { pass: "green", fail: "red", unknown: "yellow" } as const;
  const [first = "", ...rest] = wrap(`${id}: ${clean(text)}`, columns - 11, "", "  ");
  return [
    `${style[paint[verdict]](word)}  ${first}`,
    ...rest.map((line) => `           ${line}`),
    ...(fix === undefined || verdict === "pass"
      ? []
      : wrap(clean(fix), columns, "           → ", "             ")),
  ];
}
