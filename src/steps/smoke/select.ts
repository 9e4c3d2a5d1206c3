import type { Check, ChecksSettings } from "./schema.ts";
import { namesIn } from "./template.ts";

/** What changes nothing. */
export const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The checks that `tags` and `grep` choose, together with all that they need, in their order. `grep` fits a
 * check that has it as a tag, or in its id or title.
 */
export function selectChecks({
  checks,
  tags,
  grep,
}: Pick<ChecksSettings, "checks" | "tags" | "grep">): Check[] {
  const chosen = new Set<string>();
  for (const check of checks.toReversed()) {
    const isWanted = (tags.length === 0 || tags.some((tag) => check.tags.includes(tag))) && fits(check, grep);
    if (!isWanted && !chosen.has(check.id)) continue;
    chosen.add(check.id);
    for (const id of needsOf(check, checks)) chosen.add(id);
  }
  return checks.filter((check) => chosen.has(check.id));
}

/** Ids of the checks without whose success this one cannot run: those named, and those whose captures it uses. */
export function needsOf(check: Check, checks: readonly Check[]): string[] {
  const used = capturesUsedBy(check);
  const capturing = checks.filter((other) => used.some((name) => Object.hasOwn(other.capture, name)));
  return [...new Set([...check.needs, ...capturing.map((other) => other.id)])];
}

/** Names of the captures in the check's request. */
export function capturesUsedBy(check: Pick<Check, "path" | "headers" | "body">): string[] {
  const names = namesIn([check.path, check.headers, check.body ?? null]);
  return names.flatMap((name) => (name.startsWith("capture.") ? [name.slice("capture.".length)] : []));
}

function fits(check: Check, grep: string | undefined): boolean {
  if (grep === undefined) return true;
  return check.tags.includes(grep) || check.id.includes(grep) || (check.title?.includes(grep) ?? false);
}
