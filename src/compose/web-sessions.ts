import { sha256 } from "../lib/hash.ts";
import { randomText } from "../lib/id.ts";
import { Secret } from "../lib/redact.ts";
import type { WebSessions } from "../model/web-session.ts";
import { findUser } from "../store/people.ts";
import type { Pool } from "../store/pool.ts";
import { beginWebSession, endWebSession, useWebSession } from "../store/web-sessions.ts";

const VALID_MS = 7 * 86_400_000;
const IDLE_MS = 12 * 3_600_000;
/** 260 random bits. */
const SECRET_LENGTH = 52;

export function openWebSessions(pool: () => Promise<Pool>): WebSessions {
  return {
    async begin(actor) {
      const secret = new Secret(randomText(SECRET_LENGTH), "a session of the console");
      const expiresAt = await beginWebSession(await pool(), sha256(secret.reveal()), actor, VALID_MS);
      return { secret, expiresAt };
    },
    async find(secret) {
      const session = await useWebSession(await pool(), sha256(secret), IDLE_MS);
      const found = session === undefined ? undefined : await findUser(await pool(), session.name);
      if (session === undefined || found === undefined) return undefined;
      const { emails, roles } = found.user;
      return { name: found.user.name, checked: session.checked, kind: "human", emails, roles };
    },
    end: async (secret) => endWebSession(await pool(), sha256(secret)),
  };
}
