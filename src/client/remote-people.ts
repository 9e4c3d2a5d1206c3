import { TminusError } from "../errors.ts";
import { Secret } from "../lib/redact.ts";
import type { MadeToken, People } from "../model/people.ts";
import type { MadeTokenResource, Session, TokenResource, UserResource } from "../server/contract/session.ts";
import type { Connection } from "./connection.ts";
import { known, tokenOf, userOf } from "./revive.ts";

/** Users and tokens of the server's state. */
export function remotePeople(connection: Connection): People {
  return {
    async addUser(user, { password, token }) {
      const added = await connection.send<{ user: UserResource; made?: MadeTokenResource }>(
        "POST",
        "/users",
        {
          ...user,
          ...known({ password: password?.reveal(), withToken: token }),
        },
      );
      return {
        user: userOf(added.user),
        ...known({ token: added.made === undefined ? undefined : madeOf(added.made) }),
      };
    },
    hasUsers: async () => (await connection.get<Session>("/session")).isSetUp,
    users: async () => (await connection.get<{ users: UserResource[] }>("/users")).users.map(userOf),
    changeUser: async (name, { roles, disabled, password }) =>
      userOf(
        await connection.send<UserResource>("POST", `/users/${encodeURIComponent(name)}`, {
          ...known({ roles, isDisabled: disabled, password: password?.reveal() }),
        }),
      ),
    createToken: async (token) => madeOf(await connection.send<MadeTokenResource>("POST", "/tokens", token)),
    tokens: async () => (await connection.get<{ tokens: TokenResource[] }>("/tokens")).tokens.map(tokenOf),
    revokeToken: async (id) =>
      tokenOf(await connection.send<TokenResource>("DELETE", `/tokens/${encodeURIComponent(id)}`)),
  };
}

/** The first answer was lost on the way, and the second has no secret any more. */
function madeOf({ token, secret }: MadeTokenResource): MadeToken {
  if (secret !== undefined) return { token: tokenOf(token), secret: new Secret(secret, "the new token") };
  throw new TminusError("SERVER_SILENT", `token ${token.id} was made, but its secret was lost on the way`, {
    hint: `Revoke it (tminus token revoke ${token.id}) and make another one.`,
  });
}
