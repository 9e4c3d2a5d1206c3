import { TminusError } from "../../errors.ts";
import type { ExitCode } from "../../error-codes.ts";
import { actorText } from "../../model/actor-text.ts";
import { followUpName, idOfFollowUp, isOverdue, type FollowUp } from "../../model/follow-up.ts";
import { clean } from "../../report/text.ts";
import { environmentFilter, type CommandContext } from "../command-context.ts";
import { handIn } from "../hand-in.ts";
import { identify, type IdentityOptions } from "../identify.ts";
import { toJson } from "../output/json.ts";
import { reasonOf } from "../reason.ts";

export interface TasksOptions extends IdentityOptions {
  note?: string;
  attach?: string;
}

/** Lists what is still to be done after deploys, exit code 4 when something is overdue; or closes one of it. Requirement H5. */
export async function tasks(
  context: CommandContext,
  name: string | undefined,
  options: TasksOptions,
): Promise<ExitCode> {
  if (name !== undefined) return close(context, name, options);
  if (options.note !== undefined || options.attach !== undefined)
    throw new TminusError("USAGE_INVALID", "it is not said which task is done", {
      hint: 'Name it: tminus tasks t3 --note "<what was done>"',
    });
  const tminus = await context.open();
  const open = await tminus.followUps(environmentFilter(context, tminus));
  const now = context.host.clock.now();
  const exitCode = open.some((one) => isOverdue(one, now)) ? 4 : 0;
  const json = open.map((one) => toJson({ ...one, name: followUpName(one), overdue: isOverdue(one, now) }));
  const lines = open.length === 0 ? ["nothing is to be done"] : open.map((one) => sayTask(one, now));
  context.output.result({ tasks: json, exitCode }, lines);
  return exitCode;
}

async function close(context: CommandContext, name: string, options: TasksOptions): Promise<ExitCode> {
  const id = idOfFollowUp(name);
  if (id === undefined)
    throw new TminusError("USAGE_INVALID", `${clean(name)} is not the name of a task`, {
      hint: "List them: tminus tasks",
    });
  const note = reasonOf(options.note ?? "", 'what was done: --note "the tests ran, all green"');
  const tminus = await context.open();
  const actor = await identify(context, tminus, options);
  const attachment =
    options.attach === undefined ? {} : { attachment: await handIn(context, tminus, options.attach) };
  const closed = await tminus.closeFollowUp(id, { note, ...attachment }, actor);
  const said = closed ? `${name} is closed by ${actorText(actor)}: ${note}` : `${name} was closed before`;
  context.output.result({ task: name, closed, actor: actor.name, note, exitCode: 0 }, [clean(said)]);
  return 0;
}

function sayTask(task: FollowUp, now: Date): string {
  const { environment, text, owner, dueAt } = task;
  const due = `${isOverdue(task, now) ? "OVERDUE since" : "due"} ${dueAt.toISOString()}`;
  return clean(
    `${followUpName(task)} ${environment} · ${due}${owner === undefined ? "" : ` · ${owner}`}: ${text}`,
  );
}
