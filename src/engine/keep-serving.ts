import type { EnginePorts, OpenEnvironment } from "./ports.ts";

const EVERY_MS = 250;

/** While a run has the environment, sees to it that what must serve does. A failure is told once, until it changes. */
export function keepServing(
  environment: OpenEnvironment,
  { clock, log }: EnginePorts,
  lost: AbortSignal,
): { close(): Promise<void> } {
  const closing = new AbortController();
  const until = AbortSignal.any([lost, closing.signal]);
  const keeping = (async () => {
    let told = "";
    while (!until.aborted) {
      await environment.keepServing().then(
        () => (told = ""),
        (error: unknown) => {
          const text = error instanceof Error ? error.message : String(error);
          if (text !== told) log(`keeping the target up: ${text}`);
          told = text;
        },
      );
      await clock.sleep(EVERY_MS, until).catch(() => undefined); // the loop's condition ends it
    }
  })();
  return {
    async close() {
      closing.abort(new Error("closed"));
      await keeping;
    },
  };
}
