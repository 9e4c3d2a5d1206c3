import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(scrypt);
// 1 MiB and a few milliseconds each: an example that takes load on two cores. A real shop uses 2^17.
const cost = { N: 1024, r: 8, p: 1 };
const keyBytes = 32;

/** `scrypt$N$r$p$salt$key`; the parameters are stored so that they can be raised later. */
export async function hashPassword(password) {
  const salt = randomBytes(16);
  const key = await derive(password.normalize("NFKC"), salt, keyBytes, cost);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

/** Compares in constant time. Without a stored hash it works as long and answers false, so that time tells nobody who has an account. */
export async function verifyPassword(password, stored = nobody) {
  const [, N, r, p, salt, key] = stored.split("$");
  const expected = Buffer.from(key, "base64url");
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const actual = await derive(
    password.normalize("NFKC"),
    Buffer.from(salt, "base64url"),
    expected.length,
    options,
  );
  return timingSafeEqual(actual, expected) && stored !== nobody;
}

const nobody = await hashPassword(randomBytes(16).toString("hex"));
