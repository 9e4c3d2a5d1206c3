import type { Actor } from "../../model/actor.ts";
import type { DecisionWord } from "../../model/decision.ts";
import type { Signal } from "../../model/signal.ts";
import type { StepContext } from "../../model/step-kind.ts";

export interface Answer {
  id: number;
  as: DecisionWord;
  by: string;
  identity: Actor;
  at: Date;
  note: string;
}

/** Reads the step's inbox in the background, because a watch goes on looking while it waits for a person. */
export interface Answers {
  /** The first answer after this signal. Throws when the inbox could not be read. */
  after(signalId: number): Answer | undefined;
  /** The first word after this signal that the watch is to end early; that answers no question. */
  promotion(signalId: number): Answer | undefined;
  /** The id of the newest signal read so far. */
  lastId(): number;
  /** Resolves after `ms`, or at once when a signal arrives. Throws the context's reason when it aborts. */
  sleep(ms: number): Promise<void>;
}

const MAX_ANSWERS = 1000;

/** Reading ends with the context's signal. */
export function openAnswers({
  inbox,
  clock,
  signal,
}: Pick<StepContext<never>, "inbox" | "clock" | "signal">): Answers {
  const answers: Answer[] = [];
  let lastId = 0;
  let failure: Error | undefined;
  let wake = (): void => undefined;

  const take = ({ id, actor, identity, at, body }: Signal): void => {
    lastId = Math.max(lastId, id);
    if (body.kind !== "resolve" || answers.length >= MAX_ANSWERS) return;
    answers.push({ id, as: body.as, by: actor, identity, at, note: body.note });
    wake();
  };
  const reading = async (): Promise<void> => {
    for await (const received of inbox()) take(received);
  };
  void reading().catch((error: unknown) => {
    // The end of the inbox by the signal is no failure; any other is thrown where an answer is looked for.
    if (!signal.aborted) failure = error instanceof Error ? error : new Error(String(error));
    wake();
  });

  const first = (signalId: number, isPromotion: boolean): Answer | undefined => {
    if (failure !== undefined) throw failure;
    return answers.find(({ id, as }) => id > signalId && (as === "promote") === isPromotion);
  };

  return {
    after: (signalId) => first(signalId, false),
    promotion: (signalId) => first(signalId, true),
    lastId: () => lastId,
    async sleep(ms) {
      const ending = new AbortController();
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const slept = clock.sleep(ms, AbortSignal.any([signal, ending.signal]));
      try {
        await Promise.race([slept, woken]);
      } finally {
        wake = () => undefined;
        ending.abort();
        await slept.catch(() => undefined); // it was ended by the line above, or has already thrown from the race
      }
      signal.throwIfAborted();
    },
  };
}
