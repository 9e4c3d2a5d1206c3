import type { ExitCode } from "../../../error-codes.ts";
import { type CommandContext } from "../../command-context.ts";
import { identifyAt } from "../../identify-at.ts";
import { confirmChange } from "../../confirm.ts";
import type { ReadOnlyMode, ReadOnlyOptions } from "../../database/readonly.ts";

/** Exit code 3 when the status is not what it is called. */
export async function readonly(
  context: CommandContext,
  mode: ReadOnlyMode,
  options: ReadOnlyOptions,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(options.database);
  const { readOnlyStatus, setReadOnly } = await import("../../../compose/database/readonly.ts");
  if (mode !== "status") {
    const environment = { name: place.environment ?? "", protected: place.protected };
    await confirmChange(context, environment, `turn read-only mode ${mode}`, options);
    const actor = await identifyAt(
      context,
      place,
      mode === "on" ? "make read-only" : "make writable",
      options,
    );
    const change = { mode, except: options.except ?? [], by: actor.name };
    const progress = (text: string): void => output.note(place.redact(text));
    const report = await setReadOnly(place, change, { signal: cancelled, progress });
    output.result({ mode, ...report, exitCode: 0 }, [
      mode === "on"
        ? "read-only: a write to each table was refused"
        : "writable: a write to each table was let through, and rolled back",
      ...report.notes,
    ]);
    return 0;
  }
  const status = await readOnlyStatus(place, cancelled);
  const { state, startedBy, since, except, refusing, tables, byTriggerAlone, problems } = status;
  const exitCode = problems.length > 0 ? 3 : 0;
  const who = startedBy === null ? "" : `, by ${startedBy} at ${since}`;
  output.result({ ...status, exitCode }, [
    `read-only mode is ${state}${who}; ${refusing} of ${tables} tables refuse writes`,
    ...(except.length > 0 ? [`left out, as told: ${except.join(", ")}`] : []),
    ...byTriggerAlone.map((table) => `${table}: by its trigger alone`),
    ...problems,
    ...(problems.length > 0
      ? [`→ tminus db readonly ${state.endsWith("on") ? "on" : "off"} puts it right`]
      : []),
  ]);
  return exitCode;
}
