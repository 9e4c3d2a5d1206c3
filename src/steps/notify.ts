import * as z from "zod";
import type { Json } from "../model/json.ts";
import type { NotificationMessage } from "../model/ports.ts";
import { idSchema } from "../model/runbook.ts";
import type { StepContext } from "../model/step-kind.ts";
import { defineStep } from "./define.ts";
import { deliver } from "./notify/deliver.ts";

const schema = z.strictObject({
  channels: z
    .array(idSchema)
    .min(1)
    .max(50)
    .refine((ids) => new Set(ids).size === ids.length, "names a channel twice")
    .describe("Ids of the channels to tell, from the runbook's notify list"),
  title: z.string().min(1).max(200).describe("Subject; may hold {release}, {environment} and {previous}"),
  text: z.string().min(1).max(4000).describe("Message; may hold {release}, {environment} and {previous}"),
  required: z
    .boolean()
    .default(false)
    .describe(
      "Whether the step fails when a channel cannot be reached; otherwise the run goes on and says so",
    ),
});

type With = z.output<typeof schema>;
type Ctx = StepContext<With, null>;

/** What has been settled with which channel; survives a crash. */
type State = { delivered: string[]; gaveUp: Record<string, string> };

/** Pauses before the second and the third try. */
const BACKOFF_MS = [500, 2000];
const SEND_LIMIT_MS = 15_000;

/**
 * Tells people through channels. A crash between a delivery and its record delivers again, with the same
 * message key, by which a receiver can drop the repeat.
 */
export const notify = defineStep({
  kind: "notify",
  version: 1,
  inRollback: true,
  changesNothing: true,
  summary: "Sends a message to one or more channels.",
  requirements: ["H1"],
  schema,
  example:
    "channels: [ops]\ntitle: Deploying {release}\ntext: '{release} goes to {environment}, replacing {previous}.'\n",

  plan({ with: { channels, title, required } }) {
    return {
      summary: [`tells ${channels.join(", ")}: ${title}${required ? " (required)" : ""}`],
      risk: "low",
      durationMs: 0,
      timeoutMs: channels.length * (SEND_LIMIT_MS * 3 + 5000),
      undo: { how: "none-needed", text: "a message that was sent stays sent" },
      inputs: [],
      blocked: [],
    };
  },

  async observe(ctx) {
    const state = readState(await ctx.loadState());
    const open = ctx.with.channels.filter(
      (id) => !state.delivered.includes(id) && !isSettled(ctx.with, state, id),
    );
    if (open.length > 0) return { state: "absent", reason: `not delivered yet: ${open.join(", ")}` };
    return { state: "done", reason: say(state), result: state };
  },

  async act(ctx) {
    const state = readState(await ctx.loadState());
    for (const id of ctx.with.channels) {
      if (state.delivered.includes(id) || isSettled(ctx.with, state, id)) continue;
      const failure = await deliverTo(ctx, id);
      delete state.gaveUp[id];
      if (failure === undefined) state.delivered.push(id);
      else state.gaveUp[id] = failure;
      await ctx.saveState(state);
    }
    const failed = Object.keys(state.gaveUp).length > 0;
    return { outcome: failed && ctx.with.required ? "failed" : "done", reason: say(state), result: state };
  },
});

/** A channel that was given up is not tried again, unless the message is required. */
function isSettled({ required }: With, state: State, id: string): boolean {
  return !required && id in state.gaveUp;
}

/** Undefined when delivered, else why not. */
async function deliverTo(ctx: Ctx, id: string): Promise<string | undefined> {
  const channel = Object.hasOwn(ctx.channels, id) ? ctx.channels[id] : undefined;
  if (channel === undefined) return "there is no such channel";
  return deliver(channel, messageFor(ctx, id), {
    clock: ctx.clock,
    signal: ctx.signal,
    redact: (text) => ctx.redact(text),
    pausesMs: BACKOFF_MS,
    limitMs: SEND_LIMIT_MS,
    from: ctx.stepId,
    onTry: (number) => ctx.progress(`tells ${id}${number === 1 ? "" : ` (try ${number})`}`),
  });
}

function messageFor(ctx: Ctx, id: string): NotificationMessage {
  const previous = ctx.previousRelease ?? "nothing";
  const values = { release: ctx.release, environment: ctx.environment.name, previous };
  const fill = (text: string): string =>
    text.replaceAll(/\{(release|environment|previous)\}/g, (_, name: keyof typeof values) => values[name]);
  return {
    key: `${ctx.key}:${id}`,
    title: fill(ctx.with.title),
    text: fill(ctx.with.text),
    facts: { run: ctx.runId, step: ctx.stepId, url: ctx.environment.url, ...values },
  };
}

function say({ delivered, gaveUp }: State): string {
  const told = delivered.length === 0 ? "nobody was told" : `told ${delivered.join(", ")}`;
  const failures = Object.entries(gaveUp).map(([id, reason]) => `${id} (${reason})`);
  return failures.length === 0 ? told : `${told}; not delivered: ${failures.join(", ")}`;
}

function readState(state: Json | undefined): State {
  return (state as State | undefined) ?? { delivered: [], gaveUp: {} };
}
