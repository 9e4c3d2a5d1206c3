import type { ExitCode } from "../../error-codes.ts";
import type { MergeBack, MergeBackTarget } from "../../model/merge-back.ts";
import { clean } from "../../report/text.ts";
import { environmentOf, type CommandContext } from "../command-context.ts";
import { toJson } from "../output/json.ts";

export interface MergeBackOptions {
  into: string[];
  dryRun?: boolean;
}

/** Exit code 3 when somewhere it could not be proposed, or not be found out. Requirement A4. */
export async function mergeBack(
  context: CommandContext,
  { into, dryRun }: MergeBackOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const environment = environmentOf(context, tminus);
  const found = await tminus.mergeBack({
    environment,
    into,
    open: dryRun !== true,
    signal: context.cancelled,
  });
  const isOpen = found.targets.every(({ state }) => state !== "refused" && state !== "unknown");
  const exitCode = isOpen ? 0 : 3;
  const lines = found.targets.flatMap((target) => targetLines(found, target, dryRun === true));
  context.output.result({ mergeBack: toJson(found), exitCode }, lines.map(clean));
  return exitCode;
}

function targetLines({ branch }: MergeBack, target: MergeBackTarget, isDry: boolean): string[] {
  const into = target.branch;
  switch (target.state) {
    case "contained":
      return [`${into} has ${branch} already`];
    case "open":
      return [`${into} lacks ${branch}; a pull request is open: ${target.url}`];
    case "opened":
      return [`${into} lacks ${branch}; opened a pull request: ${target.url}`];
    case "missing":
      return isDry
        ? [`${into} lacks ${branch}`]
        : [
            `${into} lacks ${branch}, and the runbook names no scm that could be asked for a pull request; bring it there:`,
            `  git switch ${into} && git pull --ff-only && git merge ${branch} && git push origin ${into}`,
          ];
    case "refused":
      return [`${branch} was not proposed for ${into}: ${target.reason}`];
    case "unknown":
      return [
        `it is not known whether ${branch} is proposed for ${into}: ${target.reason}`,
        `  ${target.fix ?? "run the command again: it looks before it proposes"}`,
      ];
  }
}
