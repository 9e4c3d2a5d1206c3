/** A secret in a text, by characters from its beginning. */
export interface Match {
  rule: string;
  from: number;
  to: number;
}

interface OwnRule {
  id: string;
  pattern: RegExp;
  /** Name of the group that is the secret; the whole match when left out. */
  group?: string;
  /** Whether what was found is a secret, where the pattern cannot say. */
  holds?(secret: string): boolean;
}

/** What the recommended rules of secretlint do not know (requirement B4). Every repetition has a limit. */
const OWN_RULES: readonly OwnRule[] = [
  // A key of Supabase that passes every row-level policy; the one with the role anon is meant to be public.
  {
    id: "supabase-service-role-key",
    pattern: /\beyJ[\w-]{10,1000}\.eyJ[\w-]{10,2000}\.[\w-]{20,1000}/g,
    holds: isServiceRole,
  },
  { id: "supabase-secret-key", pattern: /\bsb_secret_[\w-]{20,80}/g },
  { id: "supabase-access-token", pattern: /\bsbp_(?:oauth_)?[0-9a-f]{40}\b/g },
  // Tokens of Vercel from before their prefix: 24 letters and digits, known by what stands in front of them.
  {
    id: "vercel-token",
    pattern: /(?:VERCEL_TOKEN["']?\s{0,9}[:=]|--token(?:=|\s))\s{0,9}["']?(?<secret>[A-Za-z0-9]{24})\b/g,
    group: "secret",
    holds: (secret) => /\d/.test(secret) && /[A-Z]/.test(secret) && /[a-z]/.test(secret),
  },
];

/** Every secret that these rules find in a text. Pure. */
export function ownMatches(text: string): Match[] {
  return OWN_RULES.flatMap(({ id, pattern, group, holds }) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const secret = group === undefined ? match[0] : match.groups![group]!;
      const from = match.index + match[0].lastIndexOf(secret);
      return holds === undefined || holds(secret) ? [{ rule: id, from, to: from + secret.length }] : [];
    }),
  );
}

function isServiceRole(token: string): boolean {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString("utf8"));
    return (
      typeof payload === "object" && payload !== null && "role" in payload && payload.role === "service_role"
    );
  } catch {
    return false; // no JSON inside, so no such key
  }
}
