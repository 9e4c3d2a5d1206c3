import type { ExitCode } from "../../../error-codes.ts";
import type { DatabasePlace } from "../../../model/database.ts";
import type { BlockingNode, SessionFacts } from "../../../compose/database/diagnose.ts";
import type { CommandContext } from "../../command-context.ts";
import { describeSession, describeVerdict } from "../../output/session-text.ts";

interface WithDatabase {
  database?: string;
}

export async function locks(context: CommandContext, options: WithDatabase): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const trees = await diagnose.findLocks(place, context.cancelled);
  const lines = trees.flatMap((tree) => treeLines(tree, place, 0));
  context.output.result(
    { trees: trees.map((tree) => treeJson(tree, place)), exitCode: 0 },
    lines.length === 0
      ? ["nobody waits for a lock"]
      : [...lines, "", "→ tminus db explain <pid> shows one of them; tminus db cancel <pid> ends a blocker"],
  );
  return 0;
}

export async function long(
  context: CommandContext,
  options: WithDatabase & { over: number },
): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const found = await diagnose.findLong(place, options.over / 1000, context.cancelled);
  return tell(context, place, found, `no statement has run for more than ${options.over / 1000} s`);
}

export async function idle(
  context: CommandContext,
  options: WithDatabase & { over: number },
): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const found = await diagnose.findIdle(place, options.over / 1000, context.cancelled);
  return tell(context, place, found, `no connection has idled for more than ${options.over / 1000} s`);
}

export async function pool(context: CommandContext, options: WithDatabase): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const facts = await diagnose.findPool(place, context.cancelled);
  context.output.result({ ...facts, exitCode: 0 }, [
    `${facts.used} of ${facts.limit} connections are used (${facts.usedPercent} %)`,
    ...facts.groups.map(
      ({ connections, database, user, application, state }) =>
        `${String(connections).padStart(5)}  ${[database, user, application, state].filter(Boolean).join(" · ")}`,
    ),
  ]);
  return 0;
}

export async function stalled(context: CommandContext, options: WithDatabase): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const found = await diagnose.findStalled(place, context.cancelled);
  const session = (facts: SessionFacts): SessionFacts => redacted(facts, place);
  context.output.result(
    {
      stalled: found.map((one) => ({
        session: session(one.session),
        blockers: one.blockers.map(session),
        queuedBehind: one.queuedBehind,
      })),
      exitCode: 0,
    },
    found.length === 0
      ? ["no migration waits for a lock"]
      : found.flatMap((one) => [
          describeSession(session(one.session)),
          ...one.blockers.map((blocker) => `  blocked by ${describeSession(session(blocker))}`),
          `  ${one.queuedBehind} wait behind it`,
        ]),
  );
  return 0;
}

export async function explain(
  context: CommandContext,
  pid: number,
  options: WithDatabase,
): Promise<ExitCode> {
  const { place, diagnose } = await open(context, options);
  const found = await diagnose.explain(place, pid, context.cancelled);
  const session = (facts: SessionFacts): SessionFacts => redacted(facts, place);
  const plan = found.plan.map((line) => place.redact(line));
  context.output.result(
    {
      session: session(found.session),
      verdict: found.verdict,
      blockers: found.blockers.map(session),
      waiting: found.waiting.map(session),
      locks: found.locks,
      plan,
      noPlan: place.redact(found.noPlan),
      exitCode: 0,
    },
    [
      describeSession(session(found.session)),
      ...found.blockers.map((blocker) => `blocked by ${describeSession(session(blocker))}`),
      ...found.waiting.map((waiter) => `blocks ${describeSession(session(waiter))}`),
      ...found.locks.map(
        ({ relation, mode, granted }) => `${granted ? "holds" : "waits for"} ${mode} on ${relation}`,
      ),
      ...(found.noPlan === ""
        ? ["plan:", ...plan.map((line) => `  ${line}`)]
        : [`no plan: ${place.redact(found.noPlan)}`]),
      describeVerdict(pid, found.verdict),
    ],
  );
  return 0;
}

async function open(context: CommandContext, { database }: WithDatabase) {
  const place = await context.openDatabase(database);
  return { place, diagnose: await import("../../../compose/database/diagnose.ts") };
}

function tell(
  { output }: CommandContext,
  place: DatabasePlace,
  found: readonly SessionFacts[],
  none: string,
): ExitCode {
  const sessions = found.map((session) => redacted(session, place));
  output.result({ sessions, exitCode: 0 }, sessions.length === 0 ? [none] : sessions.map(describeSession));
  return 0;
}

function treeLines(
  { session, waiting, blocks }: BlockingNode,
  place: DatabasePlace,
  depth: number,
): string[] {
  const words = depth === 0 ? `blocks ${blocks}: ` : "waits: ";
  return [
    `${"  ".repeat(depth)}${words}${describeSession(redacted(session, place))}`,
    ...waiting.flatMap((node) => treeLines(node, place, depth + 1)),
  ];
}

function treeJson({ session, waiting, blocks }: BlockingNode, place: DatabasePlace): object {
  return { ...redacted(session, place), blocks, waiting: waiting.map((node) => treeJson(node, place)) };
}

function redacted(session: SessionFacts, place: DatabasePlace): SessionFacts {
  return { ...session, query: place.redact(session.query) };
}
