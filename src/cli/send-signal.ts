import type { ExitCode } from "../error-codes.ts";
import { actorText } from "../model/actor-text.ts";
import type { Actor } from "../model/actor.ts";
import type { Run } from "../model/run.ts";
import type { SignalBody } from "../model/signal.ts";
import type { Tminus } from "../model/tminus.ts";
import { placeOf, type CommandContext } from "./command-context.ts";

/** Sends what a person decided and says that it was written down. Whether it counts is the run's to say. */
export async function sendSignal(
  { output }: CommandContext,
  tminus: Tminus,
  run: Run,
  body: SignalBody,
  actor: Actor,
): Promise<ExitCode> {
  output.note(placeOf(tminus, run.environment));
  await tminus.send(run.id, body, actor);
  output.result({ run: run.id, signal: body, actor: actor.name }, [
    `${body.kind} sent to run ${run.id} as ${actorText(actor)}; watch it: tminus watch ${run.id}`,
  ]);
  return 0;
}
