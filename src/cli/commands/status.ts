import type { ExitCode } from "../../error-codes.ts";
import { followUpName } from "../../model/follow-up.ts";
import type { EnvironmentStatus } from "../../model/tminus.ts";
import { environmentFilter, type CommandContext } from "../command-context.ts";
import { waitsForPerson } from "../../model/waits-for-person.ts";
import { runJson, toJson } from "../output/json.ts";
import { statusText } from "../output/status-text.ts";

/** What is live and what runs in each environment. Exit code 4 when a run waits for a person. */
export async function status(context: CommandContext): Promise<ExitCode> {
  const { output, host } = context;
  const tminus = await context.open();
  const environments = await tminus.status(environmentFilter(context, tminus));
  const exitCode = environments.some(({ active }) => active.some(waitsForPerson)) ? 4 : 0;
  output.result(
    { project: tminus.project, environments: environments.map(statusJson), exitCode },
    environments.flatMap((item) => statusText(tminus.project, item, host.clock.now(), output)),
  );
  return exitCode;
}

function statusJson(status: EnvironmentStatus): object {
  const { environment, url, traffic, active, last, lease, lock, overdueItems, overdueTasks } = status;
  return {
    environment,
    url,
    traffic: toJson(traffic),
    active: active.map(runJson),
    ...(last === undefined ? {} : { last: runJson(last) }),
    ...(lease === undefined ? {} : { lease: toJson(lease) }),
    ...(lock === undefined ? {} : { lock: toJson(lock) }),
    overdueItems: overdueItems.map((one) => toJson(one)),
    overdueTasks: overdueTasks.map((one) => toJson({ ...one, name: followUpName(one) })),
  };
}
