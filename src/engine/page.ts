import { deliver } from "../steps/notify/deliver.ts";
import type { NotificationChannel } from "../model/ports.ts";
import type { PageMessage, PageReport } from "../model/step-kind.ts";
import { stepKey, type RunExecution } from "./execution.ts";

/** Before the second, third and fourth try: somebody is to be woken. */
const PAUSES_MS = [500, 2_000, 8_000];
const SEND_LIMIT_MS = 10_000;

/**
 * Tells people through every channel of the runbook, all at the same time, each once per subject and key: what is on
 * record as delivered is not sent again, also after a crash. What could not be delivered is named, and tried again
 * when the page is asked for again. Subject: a step's id, or what else of the run it is about. Throws LEASE_LOST and
 * STATE_UNAVAILABLE.
 */
export function page(
  execution: RunExecution,
  subject: string,
  key: string,
  message: PageMessage,
): Promise<PageReport> {
  const name = `${subject}/page/${key}`;
  const underWay = execution.pages.get(name);
  if (underWay !== undefined) return underWay;
  const sending = tellAll(execution, name, message).finally(() => execution.pages.delete(name));
  sending.catch(() => undefined); // whoever asked for it hears of it, unless their step was aborted meanwhile
  execution.pages.set(name, sending);
  return sending;
}

async function tellAll(execution: RunExecution, name: string, message: PageMessage): Promise<PageReport> {
  const { redactor, channels } = execution.environment;
  const redacted = { title: redactor.redact(message.title), text: redactor.redact(message.text) };
  const told = await Promise.all(
    Object.values(channels).map(async (channel) => ({
      channel: channel.id,
      reason: await tell(execution, name, channel, redacted),
    })),
  );
  return {
    delivered: told.flatMap(({ channel, reason }) => (reason === undefined ? [channel] : [])),
    undelivered: told.flatMap(({ channel, reason }) => (reason === undefined ? [] : [{ channel, reason }])),
  };
}

/** Undefined when it is delivered, now or earlier, else why not. */
async function tell(
  { ports, execution, environment, run, lost }: RunExecution,
  name: string,
  channel: NotificationChannel,
  { title, text }: PageMessage,
): Promise<string | undefined> {
  const record = `${name}/${channel.id}`;
  if ((await ports.journal.loadState(run.id, record)) !== undefined) return undefined;
  const facts = {
    run: run.id,
    release: run.plan.release,
    environment: run.environment,
    url: environment.view.url,
  };
  const failure = await deliver(
    channel,
    { key: `${stepKey(run.id, name)}:${channel.id}`, title, text, facts },
    {
      clock: ports.clock,
      signal: lost,
      redact: (said) => environment.redactor.redact(said),
      pausesMs: PAUSES_MS,
      limitMs: SEND_LIMIT_MS,
      from: name,
    },
  );
  const told = { title, channel: channel.id, delivered: failure === undefined };
  await ports.journal.record(execution, "run.paged", {
    ...told,
    ...(failure === undefined ? {} : { reason: failure }),
  });
  // Last: a crash before this delivers again under the same key, by which a receiver drops the repeat.
  if (failure === undefined) await ports.journal.saveState(execution, record, true);
  return failure;
}
