import type { SessionFacts, SessionVerdict } from "../../compose/database/diagnose.ts";
import { clean } from "../../report/text.ts";

/** One session on one line. */
export function describeSession(session: SessionFacts): string {
  const { pid, user, application, state, waitsFor, query } = session;
  const who = [user, application, session.client].filter(Boolean).map(clean).join(" · ");
  const age = session.state === "active" ? session.querySeconds : session.stateSeconds;
  const since = age === null ? "" : ` for ${age} s`;
  const waits = waitsFor === "" || !waitsFor.startsWith("Lock") ? "" : `, waits for ${waitsFor}`;
  return `pid ${pid} (${who}) ${state}${since}${waits}: ${clean(query)}`;
}

/** What ending it means, and the command for it. */
export function describeVerdict(pid: number, verdict: SessionVerdict): string {
  if (!verdict.harm) return `leave it alone: ${verdict.reason}`;
  return `${verdict.reason}; to ${verdict.how} it: tminus db cancel ${pid}${verdict.how === "terminate" ? " --terminate" : ""}`;
}
