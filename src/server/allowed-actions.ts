import type { Actor } from "../model/actor.ts";
import { permissionOf, whyNotPermitted } from "../model/permission.ts";
import type { SignalBody } from "../model/signal.ts";
import type { EnvironmentStatus } from "../model/tminus.ts";
import type { WindowStanding } from "../model/window-standing.ts";
import { lockText } from "../model/lock.ts";
import type { Action, AllowedAction } from "./contract/run.ts";

export type RunAction = SignalBody["kind"];

/** What each does, one sentence. */
const consequences: Readonly<Record<RunAction, string>> = {
  approve: "The run goes on with exactly this plan once enough have approved.",
  reject: "The run stops and undoes what it has done.",
  attest: "You state by name that the item is done.",
  resolve: "The run goes on as you answer.",
  hold: "The run stops before its next step; what is live stays as it is.",
  resume: "The run goes on with its next step.",
  abort: "The run stops, undoes what it has done, and ends as stopped.",
  rollback: "The run undoes what it has done, traffic first, and ends as rolled back.",
};

/** `refusals` are what the run itself has against each, as things are. */
export function runActions(
  actor: Actor,
  refusals: Readonly<Partial<Record<RunAction, string>>>,
): AllowedAction[] {
  return (Object.keys(consequences) as RunAction[]).map((action) =>
    allowed(action, consequences[action], whyNotPermitted(actor, permissionOf[action]) ?? refusals[action]),
  );
}

export function environmentActions(
  actor: Actor,
  { environment, lock, active }: EnvironmentStatus,
  windows: WindowStanding,
): AllowedAction[] {
  const operate = whyNotPermitted(actor, "operate");
  const waiting = active.length > 0 ? `, after run ${active.at(-1)!.id}` : "";
  return [
    allowed(
      "deploy",
      `Makes a plan for ${environment} and, once it is started, carries it out${waiting}.`,
      operate ??
        (lock === undefined ? undefined : lockText(lock)) ??
        (windows.isOpen ? undefined : windows.text),
    ),
    allowed(
      "unlock",
      `Releases may be deployed into ${environment} again.`,
      operate ?? (lock === undefined ? `${environment} is not locked` : undefined),
    ),
    allowed(
      "freeze",
      `Nothing more is deployed into ${environment} until the freeze ends; going back stays possible.`,
      whyNotPermitted(actor, permissionOf.freeze),
    ),
    allowed("thaw", `The freeze ends now.`, operate),
  ];
}

function allowed(action: Action, consequence: string, refusal: string | undefined): AllowedAction {
  return refusal === undefined
    ? { action, isAllowed: true, consequence }
    : { action, isAllowed: false, reason: refusal, consequence };
}
