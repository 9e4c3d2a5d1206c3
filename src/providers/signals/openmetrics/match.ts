import type { Matcher, Selector } from "../selector.ts";
import type { ExposedSample } from "./exposition.ts";

export type Matches = { ok: true; matches(sample: ExposedSample): boolean } | { ok: false; problem: string };

/**
 * Which samples a selector means. Patterns are those of RE2, which Prometheus uses: they match the whole value, and in
 * a time that is linear in its length. A label that is not there has the value "".
 */
export async function matcherOf({ matchers }: Selector): Promise<Matches> {
  const tests: ((sample: ExposedSample) => boolean)[] = [];
  for (const matcher of matchers) {
    const test = await testOf(matcher);
    if (test === undefined) return { ok: false, problem: `"${matcher.value}" is not a pattern of RE2` };
    tests.push(({ labels }) => test(labels[matcher.label] ?? ""));
  }
  return { ok: true, matches: (sample) => tests.every((test) => test(sample)) };
}

async function testOf({ operator, value }: Matcher): Promise<((text: string) => boolean) | undefined> {
  if (operator === "=") return (text) => text === value;
  if (operator === "!=") return (text) => text !== value;
  const { RE2JS, RE2JSException } = await import("re2js");
  try {
    const pattern = RE2JS.compile(value, RE2JS.DOTALL);
    return operator === "=~" ? (text) => pattern.matches(text) : (text) => !pattern.matches(text);
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}
