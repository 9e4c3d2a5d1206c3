/** Secrets that open nothing. Put together here, so that no scanner takes this file for one that leaks. */
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export const githubToken = ["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_");
export const databaseUrl = ["postgres://app:hunter2secret", "db.example.com:5432/shop"].join("@");
export const supabaseSecretKey = ["sb_secret", "N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"].join("_");
export const supabaseAccessToken = `sbp_${"0123456789abcdef".repeat(3).slice(0, 40)}`;
export const vercelToken = ["AbCdEfGhIjKl", "MnOpQrStUv12"].join("");

/** A JSON web token as Supabase gives it to a project. */
export function supabaseKey(role: "anon" | "service_role"): string {
  const head = encoded({ alg: "HS256", typ: "JWT" });
  const payload = encoded({ iss: "supabase", ref: "abcdefghijklmnopqrst", role, iat: 1_700_000_000 });
  return `${head}.${payload}.${"a1B2".repeat(11)}`;
}
