import type { Actor } from "../model/actor.ts";
import { EMERGENCY_UNPLANNED } from "../model/emergency.ts";
import { enforcedOwner, type FollowUp } from "../model/follow-up.ts";
import type { ApiToken, User } from "../model/people.ts";
import { whyKeptOut } from "../model/kept-out.ts";
import { whyNotByOwnWord, whyNotEmergency } from "../model/own-word.ts";
import { permissionOf, whyNotPermitted } from "../model/permission.ts";
import type { Plan } from "../model/plan.ts";
import { sameName } from "../model/person-name.ts";
import type { EnvironmentStatus } from "../model/tminus.ts";
import type { WindowStanding } from "../model/window-standing.ts";
import { lockText } from "../model/lock.ts";
import type { EnvironmentResource } from "./contract/environment.ts";
import { runActions as all, type AllowedAction, type RunAction } from "./contract/allowed-action.ts";

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
): AllowedAction<RunAction>[] {
  return all.map((action) =>
    allowed(action, consequences[action], whyNotPermitted(actor, permissionOf[action]) ?? refusals[action]),
  );
}

type EnvironmentAction = EnvironmentResource["allowedActions"][number]["action"];

export function environmentActions(
  actor: Actor,
  { environment, lock, active }: EnvironmentStatus,
  windows: WindowStanding,
  isEmergencyPlanned: boolean,
): AllowedAction<EnvironmentAction>[] {
  const operate = whyNotPermitted(actor, "operate");
  const window = windows.isOpen ? "" : `, when it is open again: it is ${windows.text}`;
  const waiting = active.length > 0 ? `, after run ${active.at(-1)!.id}` : "";
  return [
    allowed(
      "deploy",
      `Makes a plan for ${environment} and, once it is started, carries it out${waiting}${window}.`,
      operate ?? (lock === undefined ? undefined : lockText(lock)),
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
    ...freezeActions(actor),
    allowed(
      "override",
      `A gate that does not pass keeps no plan for ${environment} from starting, for a time and by your name.`,
      whyNotPermitted(actor, permissionOf.override),
    ),
    allowed(
      "declare-emergency",
      `${environment} may be deployed to at any time, for a time and by your name, with less asked beforehand.`,
      whyNotEmergency(actor) ?? (isEmergencyPlanned ? undefined : EMERGENCY_UNPLANNED),
    ),
  ];
}

export function freezeActions(actor: Actor): AllowedAction<"thaw">[] {
  return [allowed("thaw", "The freeze ends now.", whyNotPermitted(actor, permissionOf.thaw))];
}

export function planActions(
  actor: Actor,
  plan: Plan,
  blocked: readonly { reason: string }[],
): AllowedAction<"start">[] {
  // A run whose T-0 is at a time does not wait for a window: its steps would all be late.
  const keptOut = plan.scheduled === undefined ? undefined : whyKeptOut(plan, plan.window);
  return [
    allowed(
      "start",
      "Exactly this plan is carried out; when anything that it was made from has changed, it is refused.",
      whyNotPermitted(actor, permissionOf.deploy) ??
        blocked[0]?.reason ??
        whyNotByOwnWord(plan, actor.name) ??
        keptOut,
    ),
  ];
}

export function taskActions(actor: Actor, task: FollowUp): AllowedAction<"close">[] {
  const owner = enforcedOwner(task);
  const isOthers = owner !== undefined && !sameName(owner, actor.name);
  return [
    allowed(
      "close",
      "Writes down by your name that it is done.",
      whyNotPermitted(actor, permissionOf["close a task"]) ??
        (isOthers ? `it is for ${owner} to close` : undefined),
    ),
  ];
}

/** Of an override or an emergency. */
export function wordActions(actor: Actor): AllowedAction<"end">[] {
  return [
    allowed("end", "It holds no longer; plans ask for everything again.", whyNotPermitted(actor, "stop")),
  ];
}

export function userActions(
  actor: Actor,
  { name }: Pick<User, "name">,
): AllowedAction<"change" | "set-password">[] {
  const administer = whyNotPermitted(actor, "administer");
  const isOwn = sameName(name, actor.name) && actor.checked.by === "password" && actor.kind === "human";
  return [
    allowed("change", `${name} has other roles, or signs in no more.`, administer),
    allowed("set-password", `${name} signs in with another password.`, isOwn ? undefined : administer),
  ];
}

export function tokenActions(actor: Actor, { owner }: Pick<ApiToken, "owner">): AllowedAction<"revoke">[] {
  const isOwn = sameName(owner, actor.name) && actor.kind === "human";
  return [
    allowed(
      "revoke",
      "Nobody acts with it any more.",
      isOwn ? undefined : whyNotPermitted(actor, "administer"),
    ),
  ];
}

/** What makes something new in the project; nobody who has not signed in does. */
export function projectActions(actor: Actor | undefined): AllowedAction<"add-user" | "create-token">[] {
  if (actor === undefined) return [];
  const isHuman = actor.kind === "human";
  return [
    allowed(
      "add-user",
      "Somebody more may sign in, with the roles that you give.",
      whyNotPermitted(actor, "administer"),
    ),
    allowed(
      "create-token",
      "Whoever has the token acts by your name, with at most your roles.",
      whyNotPermitted(actor, "read") ?? (isHuman ? undefined : `${actor.name} acts through an agent`),
    ),
  ];
}

function allowed<Action extends string>(
  action: Action,
  consequence: string,
  refusal: string | undefined,
): AllowedAction<Action> {
  return refusal === undefined
    ? { action, isAllowed: true, consequence }
    : { action, isAllowed: false, reason: refusal, consequence };
}
