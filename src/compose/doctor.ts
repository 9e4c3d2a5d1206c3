import { toErrorRecord } from "../errors.ts";
import { deadline, systemClock } from "../lib/clock.ts";
import type { DoctorCheck } from "../model/tminus.ts";
import { checkConnection } from "../postgres/session/connect.ts";
import { countLiveWorkers } from "../store/workers.ts";
import { openEnvironment } from "./environment.ts";
import { probe } from "./probe.ts";
import { contextOf, type Project } from "./project.ts";
import type { Environment } from "./secrets.ts";
import type { State } from "./state.ts";

const TIMEOUT_MS = 5_000;
const OLDEST_NODE = [22, 13] as const;

export interface DoctorOptions {
  project: Project;
  environment: Environment;
  state: () => Promise<State>;
  signal: AbortSignal;
}

/** Looks at everything a deploy needs and changes nothing. Each check that does not pass says what to do. */
export async function runDoctor({
  project,
  environment,
  state,
  signal,
}: DoctorOptions): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [
    checkNode(),
    { id: "runbook", verdict: "pass", text: `${project.directory} has a valid runbook` },
  ];
  checks.push(...(await checkState(state)));
  for (const name of Object.keys(project.runbook.environments)) {
    checks.push(...(await checkEnvironment(project, name, environment, signal)));
  }
  return checks;
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isGood = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const text = `Node ${process.versions.node}`;
  if (isGood) return { id: "node", verdict: "pass", text };
  return { id: "node", verdict: "fail", text, fix: `Install Node ${OLDEST_NODE.join(".")} or newer.` };
}

async function checkState(state: () => Promise<State>): Promise<DoctorCheck[]> {
  try {
    const { pool, kind } = await state();
    const workers = await countLiveWorkers(pool);
    return [
      { id: "state", verdict: "pass", text: `the ${kind} state database answers` },
      {
        id: "workers",
        verdict: "pass",
        text: workers === 0 ? "no worker runs; one is started when needed" : `${workers} worker(s) run`,
      },
    ];
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    return [{ id: "state", verdict: "fail", text: message, fix: hint }];
  }
}

async function checkEnvironment(
  project: Project,
  name: string,
  processEnvironment: Environment,
  signal: AbortSignal,
): Promise<DoctorCheck[]> {
  const context = contextOf(project, name);
  try {
    const opened = openEnvironment({
      context,
      processEnvironment,
      clock: systemClock,
      writeLine: () => undefined,
    });
    try {
      const checks: DoctorCheck[] = [
        { id: `${name}.variables`, verdict: "pass", text: "every referenced variable has a value" },
      ];
      const traffic = await opened.target.traffic();
      checks.push(
        traffic.state === "unknown"
          ? {
              id: `${name}.target`,
              verdict: "unknown",
              text: traffic.reason,
              fix: "Look at the target's log in the state folder.",
            }
          : {
              id: `${name}.target`,
              verdict: "pass",
              text: traffic.state === "absent" ? "nothing is deployed yet" : "the target answers",
            },
      );
      if (traffic.state === "present") checks.push(await checkUrl(name, context.environment.url, signal));
      if (context.environment.database !== undefined) {
        const verdict = await checkConnection(
          opened.secret(context.environment.database).reveal(),
          deadline(TIMEOUT_MS, signal),
        );
        checks.push({
          id: `${name}.database`,
          verdict: verdict.verdict,
          text: opened.redactor.redact(verdict.reason),
        });
      }
      return checks;
    } finally {
      await opened.close();
    }
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    return [{ id: name, verdict: "fail", text: message, fix: hint }];
  }
}

async function checkUrl(name: string, url: string, signal: AbortSignal): Promise<DoctorCheck> {
  const answer = await probe(url, TIMEOUT_MS, signal);
  const id = `${name}.url`;
  if (answer.state === "silent") {
    return {
      id,
      verdict: "unknown",
      text: `${url} did not answer: ${answer.reason}`,
      fix: "Check that the address is right and reachable from here.",
    };
  }
  return { id, verdict: answer.status < 500 ? "pass" : "fail", text: `${url} answers ${answer.status}` };
}
