import type { EndState } from "../model/run.ts";
import type { RunExecution } from "./execution.ts";
import type { ProbeAnswer } from "./ports.ts";

/** The public URL must answer well this often in a row, each time on a new connection. */
const GOOD_ANSWERS = 3;
const PROBE_TIMEOUT_MS = 5_000;
const PROBE_EVERY_MS = 50;

/**
 * Asks the target what should be live and the public URL what is, until they agree or patience ends.
 * `expected` are the releases that may have traffic; when empty, whatever the target says counts.
 * Never throws for what the world does: silence is `unknown`, a different answer is `contradicted`.
 */
export async function verifyEndState(
  execution: RunExecution,
  expected: readonly string[],
): Promise<EndState> {
  const { ports, lost } = execution;
  const giveUpAt = ports.clock.monotonicMs() + ports.patienceMs;
  for (;;) {
    const seen = await lookOnce(execution, expected);
    if (seen.verdict === "verified" || ports.clock.monotonicMs() >= giveUpAt) {
      const reason = execution.environment.redactor.redact(seen.reason);
      return { ...seen, reason, at: ports.clock.now().toISOString() };
    }
    await ports.clock.sleep(PROBE_EVERY_MS * 4, lost);
  }
}

type Look = Omit<EndState, "at">;

async function lookOnce(execution: RunExecution, expected: readonly string[]): Promise<Look> {
  const { environment, lost, ports } = execution;
  const traffic = await environment.target
    .traffic()
    .catch((error: unknown) => ({ state: "unknown" as const, reason: String(error) }));
  if (traffic.state === "unknown")
    return { verdict: "unknown", reason: `the target did not say what is live: ${traffic.reason}` };
  if (traffic.state === "absent") {
    if (expected.length === 0) return { verdict: "verified", reason: "nothing is deployed" };
    return {
      verdict: "contradicted",
      reason: `the target has nothing deployed, ${expected.join(", ")} was expected`,
    };
  }
  const live = traffic.value.routes.filter(({ percent }) => percent > 0).map(({ release }) => release);
  const wanted = expected.length === 0 ? live : expected;
  if (live.some((release) => !wanted.includes(release)) || live.length === 0) {
    return {
      verdict: "contradicted",
      reason: `the target sends traffic to ${live.join(", ") || "nothing"}, not only to ${wanted.join(", ")}`,
    };
  }
  let release: string | undefined;
  for (let good = 0; good < GOOD_ANSWERS; good++) {
    if (good > 0) await ports.clock.sleep(PROBE_EVERY_MS, lost);
    const answer = await ports.probe(environment.view.url, PROBE_TIMEOUT_MS, lost);
    const problem = problemOf(answer, wanted);
    if (problem !== undefined) return problem;
    release = answer.state === "answered" ? answer.release : undefined;
  }
  const named = release ?? (wanted.length === 1 ? wanted[0] : undefined);
  return {
    verdict: "verified",
    ...(named === undefined ? {} : { release: named }),
    reason: `${environment.view.url} answered ${GOOD_ANSWERS} times in a row${release === undefined ? "" : ` with ${release}`}`,
  };
}

function problemOf(answer: ProbeAnswer, wanted: readonly string[]): Look | undefined {
  if (answer.state === "silent")
    return { verdict: "unknown", reason: `the public URL did not answer: ${answer.reason}` };
  if (answer.status >= 500)
    return { verdict: "contradicted", reason: `the public URL answered ${answer.status}` };
  if (answer.release !== undefined && !wanted.includes(answer.release)) {
    return {
      verdict: "contradicted",
      release: answer.release,
      reason: `the public URL answered with ${answer.release}, not ${wanted.join(" or ")}`,
    };
  }
  return undefined;
}
