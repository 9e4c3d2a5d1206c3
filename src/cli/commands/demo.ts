import { resolve } from "node:path";
import type { ExitCode } from "../../error-codes.ts";
import { openBrowser } from "../../lib/open-browser.ts";
import { isInteractive, type CommandContext } from "../command-context.ts";
import { followRun } from "../follow-run.ts";

/** Plays four releases of the example shop under load; see src/demo. */
export async function demo(context: CommandContext, { keep }: { keep: boolean }): Promise<ExitCode> {
  const { host, output } = context;
  const { expectedOutcome, playDemo } = await import("../../demo/play.ts");
  const { renderTable } = await import("../../demo/report.ts");
  const releases = await playDemo({
    home: resolve(host.environment.TMINUS_HOME ?? resolve(host.directory, ".tminus"), "demo"),
    environment: host.environment,
    keep,
    signal: context.cancelled,
    say: (line) => output.note(line),
    show: (url) => {
      if (isSeen(context)) openBrowser(url, host.environment);
    },
    async beforeEnd() {
      if (!isInteractive(context)) return;
      await host.ask("Press Enter to end the demo and to remove everything of it: ", context.cancelled);
    },
    follow: async (tminus, run) => {
      // The result of this command is the table; each run's own result would be a second one.
      await followRun({ ...context, output: { ...output, result: () => undefined } }, tminus, run);
    },
  });
  output.result({ releases }, renderTable(releases));
  const isAsTold = releases.every(
    ({ release, outcome, outage }) => outcome === expectedOutcome(release) && outage?.held !== false,
  );
  return isAsTold ? 0 : 1;
}

/** Whether somebody sits here whose browser may be opened. */
function isSeen({ host, output }: CommandContext): boolean {
  return host.stderr.isTty && output.mode === "text";
}
