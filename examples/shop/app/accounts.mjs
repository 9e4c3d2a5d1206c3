import { readJson } from "./body.mjs";
import { isDuplicate } from "./database.mjs";
import { HttpError } from "./http-error.mjs";
import { hashPassword, verifyPassword } from "./passwords.mjs";
import { sendJson } from "./respond.mjs";
import { credentials } from "./validate.mjs";

/** Sign-up and login; both answer with a token. */
export function accountRoutes({ database, sessions }) {
  return [
    ["POST /api/signup", signUp],
    ["POST /api/login", logIn],
  ];

  async function signUp({ request, response }) {
    const { email, password } = credentials(await readJson(request));
    const passwordHash = await hashPassword(password);
    const user = await insertUser(email, passwordHash);
    sendJson(response, 201, { user, token: await sessions.open(user.id) });
  }

  async function logIn({ request, response }) {
    const { email, password } = credentials(await readJson(request));
    const { rows } = await database.query(
      "user-by-email",
      "SELECT id, email, password_hash FROM users WHERE email = $1",
      [email],
    );
    if (!(await verifyPassword(password, rows[0]?.password_hash))) {
      throw new HttpError(401, "unauthorised", "wrong email or password");
    }
    const user = { id: rows[0].id, email: rows[0].email };
    sendJson(response, 200, { user, token: await sessions.open(user.id) });
  }

  async function insertUser(email, passwordHash) {
    try {
      const { rows } = await database.query(
        "user-insert",
        "INSERT INTO users (email, password_hash) VALUES ($1, $2) RETURNING id, email",
        [email, passwordHash],
      );
      return rows[0];
    } catch (error) {
      if (isDuplicate(error, "users_email_key")) {
        throw new HttpError(409, "email_taken", "this email has an account already");
      }
      throw error;
    }
  }
}
