import { createHash, randomBytes } from "node:crypto";
import { HttpError } from "./http-error.mjs";

/** Bearer tokens: 256 random bits for the client, only their hash in the database. */
export function createSessions(database) {
  return {
    /** A new token for the user, valid for 30 days. */
    async open(userId) {
      const token = randomBytes(32).toString("base64url");
      await database.query(
        "session-open",
        "INSERT INTO sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '30 days')",
        [hash(token), userId],
      );
      return token;
    },

    /** The user whose token the request carries. Throws 401. */
    async userOf(request) {
      const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? "")?.[1];
      if (token === undefined) throw unauthorised();
      const { rows } = await database.query(
        "session-find",
        "SELECT user_id FROM sessions WHERE token_hash = $1 AND expires_at > now()",
        [hash(token)],
      );
      if (rows.length === 0) throw unauthorised();
      return rows[0].user_id;
    },
  };
}

function hash(token) {
  return createHash("sha256").update(token).digest();
}

function unauthorised() {
  const headers = { "www-authenticate": 'Bearer realm="shop"' };
  return new HttpError(401, "unauthorised", "log in and send the token as a bearer token", headers);
}
