import type { Options } from "@node-rs/argon2";

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. 2 stands for argon2id. */
const COST: Options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Of no password; checked against when there is none to check against, so that this takes as long. */
const NOBODY =
  "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

export const MIN_PASSWORD = 12;
export const MAX_PASSWORD = 1000;

/** The argon2id hash with its salt and cost, as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await import("@node-rs/argon2");
  return hash(password.normalize("NFKC"), COST);
}

/** Does the same work whether there is a hash or not; without one the answer is false. */
export async function verifyPassword(phc: string | undefined, password: string): Promise<boolean> {
  const { verify } = await import("@node-rs/argon2");
  // Longer ones were never hashed; what a stranger sends is not worked on without a limit.
  const matches = await verify(phc ?? NOBODY, password.slice(0, MAX_PASSWORD + 1).normalize("NFKC"));
  return matches && phc !== undefined;
}
