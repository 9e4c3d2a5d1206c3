import type { Risk } from "../../model/plan.ts";
import type { Statement } from "../sql/statements.ts";

const ORDER: readonly Risk[] = ["low", "medium", "high"];
const NAMES = /"[^"]*"/g;

/** First match decides. */
const PATTERNS: readonly [RegExp, Risk][] = [
  [/^drop index concurrently\b/i, "low"],
  [/^create (unique )?index concurrently\b/i, "low"],
  [/^create (unique )?index\b/i, "medium"],
  [/^(drop|truncate|delete)\b/i, "high"],
  [/^alter .*\brename\b/i, "high"],
  [/^alter table .*\bdrop (?!default\b|not null\b|expression\b|identity\b)/i, "high"],
  [/^alter .*\balter (column )?\S+ (set data )?type\b/i, "high"],
  [
    /^alter table (if exists )?(only )?\S+ add (?!constraint\b|primary\b|unique\b|foreign\b|check\b|exclude\b)(?!.*\b(not null|default|unique|primary|references|check|generated|serial|bigserial|smallserial)\b)[^,]*$/i,
    "low",
  ],
  [/^(create|comment|insert|grant|select|set)\b/i, "low"],
];

/** How much a set of statements can do to a running application, by their look alone; what is not known counts as medium. */
export function riskOf(statements: readonly Statement[]): Risk {
  const highest = Math.max(0, ...statements.map(({ code }) => ORDER.indexOf(riskOfCode(code))));
  return ORDER[highest]!;
}

function riskOfCode(code: string): Risk {
  const plain = code.replaceAll(/\s+/g, " ").replaceAll(NAMES, "x");
  return PATTERNS.find(([pattern]) => pattern.test(plain))?.[1] ?? "medium";
}
