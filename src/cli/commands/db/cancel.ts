import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { isInteractive, type CommandContext } from "../../command-context.ts";
import { describeSession } from "../../output/session-text.ts";

interface CancelOptions {
  database?: string;
  terminate?: boolean;
  confirm?: number;
}

/**
 * Cancels, and with --terminate ends, one session that does harm. Exit code 0 when it was seen to have ended, 1
 * when it goes on.
 */
export async function cancel(
  context: CommandContext,
  pid: number,
  options: CancelOptions,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(options.database);
  const { end, findSession } = await import("../../../compose/database/diagnose.ts");
  const { session, verdict } = await findSession(place, pid, cancelled);
  if (!verdict.harm) {
    throw new TminusError("SESSION_HEALTHY", `pid ${pid} is left alone: ${verdict.reason}`, {
      details: { pid },
    });
  }
  if (verdict.how === "terminate" && options.terminate !== true) {
    throw new TminusError("USAGE_INVALID", `pid ${pid} has no statement to cancel: ${verdict.reason}`, {
      hint: `Add --terminate: its connection is closed and its transaction rolled back.`,
    });
  }
  output.note(place.redact(describeSession(session)));
  await confirm(context, pid, `${verdict.how} it (${verdict.reason})`, options.confirm);
  let how = verdict.how;
  let outcome = await end(place, session, how, cancelled);
  if (outcome === "still-there" && how === "cancel" && options.terminate === true) {
    output.note("it goes on in spite of the cancel; ending its connection");
    how = "terminate";
    outcome = await end(place, session, how, cancelled);
  }
  const exitCode = outcome === "still-there" ? 1 : 0;
  output.result({ pid, how, outcome, exitCode }, [tell(pid, how, outcome)]);
  return exitCode;
}

function tell(pid: number, how: "cancel" | "terminate", outcome: string): string {
  if (outcome === "not-found")
    return `pid ${pid} was gone, or at another statement, before anything was done`;
  if (outcome === "ended")
    return how === "cancel" ? `the statement of pid ${pid} has ended` : `pid ${pid} is gone`;
  return how === "cancel"
    ? `pid ${pid} goes on; to end its connection: tminus db cancel ${pid} --terminate`
    : `pid ${pid} was told to end and is still there; look again with tminus db explain ${pid}`;
}

async function confirm(
  context: CommandContext,
  pid: number,
  what: string,
  given: number | undefined,
): Promise<void> {
  if (given === pid) return;
  if (given !== undefined) {
    throw new TminusError("USAGE_INVALID", `--confirm names ${given}, but this is about ${pid}`, {
      hint: `To go on, use --confirm ${pid}.`,
    });
  }
  if (!isInteractive(context)) {
    throw new TminusError("USAGE_INVALID", "nobody can be asked here", { hint: `Add --confirm ${pid}.` });
  }
  const answer = await context.host.ask(`To ${what}, type its pid: `, context.cancelled);
  if (answer.trim() === String(pid)) return;
  throw new TminusError("USAGE_INVALID", `what was typed is not ${pid}; nothing was done`, {
    hint: "Run the command again and type the pid.",
  });
}
