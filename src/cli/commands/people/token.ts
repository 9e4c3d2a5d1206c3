import type { ExitCode } from "../../../error-codes.ts";
import type { Role } from "../../../model/role.ts";
import type { ApiToken, MadeToken } from "../../../model/people.ts";
import { clean } from "../../../report/text.ts";
import type { CommandContext } from "../../command-context.ts";
import { identify, type IdentityOptions } from "../../identify.ts";
import { toJson } from "../../output/json.ts";

export interface CreateTokenOptions extends IdentityOptions {
  role: Role[];
  owner?: string;
  agent: boolean;
  expires: number;
}

export async function createToken(
  context: CommandContext,
  name: string,
  { role, owner, agent, expires, ...who }: CreateTokenOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const made = await tminus.people.createToken(
    { name, owner: owner ?? actor.name, kind: agent ? "agent" : "human", roles: role, validMs: expires },
    actor,
  );
  const value = { token: toJson(made.token), secret: made.secret.reveal(), exitCode: 0 };
  context.output.result(value, tokenLines(made));
  return 0;
}

export async function listTokens(context: CommandContext): Promise<ExitCode> {
  const { people } = await context.open();
  const tokens = await people.tokens();
  const now = context.host.clock.now();
  const lines = tokens.map((token) => `${tokenText(token)}: ${stateOf(token, now)}`);
  const shown = lines.length === 0 ? ["there are no tokens"] : lines;
  context.output.result({ tokens: toJson(tokens), exitCode: 0 }, shown);
  return 0;
}

export async function revokeToken(
  context: CommandContext,
  id: string,
  who: IdentityOptions,
): Promise<ExitCode> {
  const tminus = await context.open();
  const actor = await identify(context, tminus, who);
  const token = await tminus.people.revokeToken(id, actor);
  context.output.result({ token: toJson(token), exitCode: 0 }, [`token ${tokenText(token)} revoked`]);
  return 0;
}

/** The token itself is the last line, alone, so that it can be copied. */
export function tokenLines({ token, secret }: MadeToken): string[] {
  const until = token.expiresAt.toISOString().slice(0, 10);
  return [`token ${tokenText(token)}, good until ${until}; it is shown only now:`, secret.reveal()];
}

function tokenText({ id, name, owner, kind, roles }: ApiToken): string {
  const what = [kind, ...(roles.length === 0 ? ["no role"] : roles)].join(", ");
  return `${id} "${clean(name)}" of ${clean(owner)} (${what})`;
}

function stateOf({ revokedAt, expiresAt, lastUsedAt }: ApiToken, now: Date): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt.toISOString()}`;
  if (expiresAt <= now) return `expired ${expiresAt.toISOString()}`;
  const used = lastUsedAt === undefined ? "never used" : `last used ${lastUsedAt.toISOString()}`;
  return `good until ${expiresAt.toISOString()}, ${used}`;
}
