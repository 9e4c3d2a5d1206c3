import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { Secret } from "../../../lib/redact.ts";
import type { Role } from "../../../model/role.ts";
import type { User, UserChange } from "../../../model/people.ts";
import { clean } from "../../../report/text.ts";
import { isInteractive, type CommandContext } from "../../command-context.ts";
import { askPassword, identify, type IdentityOptions } from "../../identify.ts";
import { toJson } from "../../output/json.ts";
import { tokenLines } from "./token.ts";

export interface AddUserOptions extends IdentityOptions {
  email: string[];
  role: Role[];
  token: boolean;
}

/** Adds a user, with a password where one can be typed. */
export async function addUser(
  context: CommandContext,
  name: string,
  { email, role, token, ...who }: AddUserOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const { people } = tminus;
  const isFirst = (await people.users()).length === 0;
  const actor = await identify(context, tminus, who);
  const password = token || !isInteractive(context) ? undefined : await newPassword(context, name);
  if (isFirst && password === undefined && !token) {
    throw new TminusError(
      "USAGE_INVALID",
      "the first user could not sign in, and nobody else could be added",
      {
        hint: "Run it at a terminal to type a password, or add --token.",
      },
    );
  }
  const credentials = { ...(password && { password }), ...(token && { token }) };
  const added = await people.addUser({ name, emails: email, roles: role }, credentials, actor);
  const lines = [`user ${userText(added.user)} added`];
  const made = added.token;
  const secret = made === undefined ? {} : { token: toJson(made.token), secret: made.secret.reveal() };
  const value = { user: toJson(added.user), ...secret, exitCode: 0 };
  context.output.result(value, made === undefined ? lines : [...lines, ...tokenLines(made)]);
  return 0;
}

export async function listUsers(context: CommandContext): Promise<ExitCode> {
  const { people } = await context.open();
  const users = await people.users();
  const none = "there are no users: names are taken as they are given";
  context.output.result(
    { users: toJson(users), exitCode: 0 },
    users.length === 0 ? [none] : users.map(userText),
  );
  return 0;
}

export async function changeUser(
  context: CommandContext,
  name: string,
  change: UserChange,
  who: IdentityOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const user = await tminus.people.changeUser(name, change, actor);
  context.output.result({ user: toJson(user), exitCode: 0 }, [`user ${userText(user)} changed`]);
  return 0;
}

export async function setPassword(
  context: CommandContext,
  name: string,
  who: IdentityOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const password = await newPassword(context, name);
  const user = await tminus.people.changeUser(name, { password }, actor);
  context.output.result({ user: toJson(user), exitCode: 0 }, [`password of ${clean(user.name)} set`]);
  return 0;
}

async function newPassword(context: CommandContext, name: string): Promise<Secret> {
  const first = await askPassword(context, `New password of ${clean(name)}: `);
  const again = await askPassword(context, "Once more: ");
  if (first.reveal() === again.reveal()) return first;
  throw new TminusError("USAGE_INVALID", "the two passwords differ; nothing was changed");
}

function userText({ name, emails, roles, disabledAt }: User): string {
  const what = [roles.join(", ") || "no role", ...emails, ...(disabledAt === undefined ? [] : ["disabled"])];
  return `${clean(name)} (${clean(what.join("; "))})`;
}
