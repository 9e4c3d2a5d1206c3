import * as z from "zod";
import type { Verdict } from "../../../model/verdict.ts";
import { verdictOf } from "../verdicts.ts";
import type { Api, Result } from "./api.ts";

const releasesSchema = z.array(z.object({ version: z.string() }));
const releaseSchema = z.object({ version: z.string() });

/** What Sentry knows of releases: of one that it does not know it counts 0 errors, which would be taken for good. */
export interface Releases {
  /** As Sentry calls it. */
  nameOf(release: string): string;
  isKnown(name: string, signal: AbortSignal): Promise<Result<boolean>>;
  /** Whether any release is called as the setting says, so that a mistake in it is seen before the first release. */
  check(signal: AbortSignal): Promise<Verdict>;
}

export function openReleases(api: Api, template: string): Releases {
  const known = new Set<string>();
  const beginningWith = (text: string, signal: AbortSignal) =>
    api.get("releases/", [["query", text]], releasesSchema, signal);
  return {
    nameOf: (release) => template.replaceAll("{release}", () => release),
    async isKnown(name, signal) {
      if (known.has(name)) return { ok: true, value: true };
      const one = await api.get(`releases/${encodeURIComponent(name)}/`, [], releaseSchema, signal);
      if (!one.ok && one.status !== 404) return one;
      if (!one.ok) {
        // The organization may be what is not there.
        const others = await beginningWith(name, signal);
        return others.ok ? { ok: true, value: false } : others;
      }
      known.add(name);
      return { ok: true, value: true };
    },
    async check(signal) {
      const beginning = template.slice(0, template.indexOf("{release}"));
      const found = await beginningWith(beginning, signal);
      if (!found.ok) return verdictOf(found.error);
      if (found.value.value.length > 0) return { verdict: "pass", reason: "" };
      const which = beginning === "" ? "" : ` whose name begins with ${beginning}`;
      return {
        verdict: "fail",
        reason: `${api.who} has no release${which}: create the release there before it is deployed (sentry-cli releases new)`,
      };
    },
  };
}
