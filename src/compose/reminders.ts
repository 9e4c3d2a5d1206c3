import type { Clock } from "../lib/clock.ts";
import { Redactor } from "../lib/redact.ts";
import { toErrorRecord } from "../errors.ts";
import { followUpName } from "../model/follow-up.ts";
import type { NotificationMessage } from "../model/ports.ts";
import { REMIND_EVERY_MS } from "../model/reminder.ts";
import { deliver } from "../steps/notify/deliver.ts";
import { claimReminders, markReminded, type DueFollowUp } from "../store/follow-ups.ts";
import type { Pool } from "../store/pool.ts";
import { listRunPage } from "../store/run-list.ts";
import { readRunContext } from "../store/runs.ts";
import { openChannels } from "./channels.ts";
import { runContextSchema, type RunContext } from "./run-context.ts";
import { openSecrets, type Environment } from "./secrets.ts";

/** How often a worker looks for what is due. */
const LOOK_EVERY_MS = 15_000;
/** How long one worker has what it took, before another takes it: longer than all tries of one round. */
const CLAIM_MS = 5 * 60_000;
const PAUSES_MS = [500, 2_000, 8_000];
const SEND_LIMIT_MS = 10_000;

export interface ReminderPorts {
  pool: Pool;
  clock: Clock;
  environment: Environment;
  log: (line: string) => void;
}

/**
 * Reminds people of tasks that are due, from now on until it is closed. Holds nobody up: a worker that has nothing else to do
 * ends all the same, and what it had not said is said by the next one.
 */
export function openReminders(ports: ReminderPorts): { close(): Promise<void> } {
  const closing = new AbortController();
  const loop = async (): Promise<void> => {
    for (;;) {
      await remindOfDue(ports, closing.signal).catch((error: unknown) => {
        if (!closing.signal.aborted) ports.log(`reminders: ${toErrorRecord(error).message}`);
      });
      if (closing.signal.aborted) return;
      await ports.clock.sleep(LOOK_EVERY_MS, closing.signal).catch(() => undefined); // closed: seen above
    }
  };
  const running = loop();
  return {
    async close() {
      closing.abort(new Error("the worker ends"));
      await running;
    },
  };
}

/**
 * One round: takes what is due for this worker alone, tells of each through every channel of its runbook, and says so when
 * at least one was reached. Killed between the two, it is told again later under the same key. Errors: STATE_UNAVAILABLE.
 */
export async function remindOfDue(ports: ReminderPorts, signal: AbortSignal): Promise<void> {
  const due = await claimReminders(ports.pool, ports.clock.now(), CLAIM_MS, REMIND_EVERY_MS);
  await Promise.all(due.map((task) => remind(ports, task, signal)));
}

async function remind(ports: ReminderPorts, task: DueFollowUp, signal: AbortSignal): Promise<void> {
  const { pool, clock, log } = ports;
  const name = followUpName(task);
  try {
    const failures = await tell(ports, task, signal);
    for (const { channel, reason } of failures.undelivered) log(`reminder of ${name}: ${channel}: ${reason}`);
    // Where no channel is named nobody can be told, now or later: tminus tasks is where it is seen.
    if (failures.isAnybodyTold) await markReminded(pool, task.id, clock.now());
  } catch (error) {
    signal.throwIfAborted();
    log(`reminder of ${name}: ${toErrorRecord(error).message}`); // tried again when the claim is over
  }
}

async function tell(
  { pool, clock, environment, log }: ReminderPorts,
  task: DueFollowUp,
  signal: AbortSignal,
): Promise<{ isAnybodyTold: boolean; undelivered: { channel: string; reason: string }[] }> {
  const context = await contextOf(pool, task);
  if (context === undefined) return { isAnybodyTold: true, undelivered: [] };
  const redactor = new Redactor();
  const secret = openSecrets(context.projectDirectory, environment, redactor);
  const channels = Object.values(openChannels(context, { secret, writeLine: log }));
  const from = `${followUpName(task)}/reminder`;
  const options = { clock, signal, redact: (text: string) => redactor.redact(text), from };
  const told = await Promise.all(
    channels.map(async (channel) => ({
      channel: channel.id,
      reason: await deliver(channel, messageOf(task, channel.id), {
        ...options,
        pausesMs: PAUSES_MS,
        limitMs: SEND_LIMIT_MS,
      }),
    })),
  );
  const undelivered = told.flatMap(({ channel, reason }) =>
    reason === undefined ? [] : [{ channel, reason }],
  );
  return { isAnybodyTold: channels.length === 0 || undelivered.length < channels.length, undelivered };
}

/** Of its run, else of the newest one of its environment; undefined when nothing was ever deployed there. */
async function contextOf(
  pool: Pool,
  { run, project, environment }: DueFollowUp,
): Promise<RunContext | undefined> {
  const id = run ?? (await listRunPage(pool, { project, environment }, 1)).runs[0]?.id;
  return id === undefined ? undefined : runContextSchema.parse(await readRunContext(pool, id));
}

/** The key is the same until it is on record that people were told. */
function messageOf(task: DueFollowUp, channel: string): NotificationMessage {
  const { project, environment, text, owner, dueAt, remindedAt, run } = task;
  const name = followUpName(task);
  return {
    key: `${project}/${name}/reminder/${remindedAt?.toISOString() ?? "first"}:${channel}`,
    title: `${owner === undefined ? "" : `${owner}: `}task ${name} is ${remindedAt === undefined ? "due" : "overdue"}`,
    text: `${text} (${environment}, due ${dueAt.toISOString()}). When it is done: tminus tasks ${name} --note "<what was done>"`,
    facts: {
      task: name,
      project,
      environment,
      due: dueAt.toISOString(),
      ...(run === undefined ? {} : { run }),
    },
  };
}
