import * as z from "zod";
import type { SeriesAnswer, SeriesQuestion } from "../../../model/signal-source.ts";
import { failed, quoted, type Api, type Result } from "./api.ts";

const PAGE = 100;
const MAX_PAGES = 20;

const issuesSchema = z.array(z.object({ id: z.string(), firstSeen: z.union([z.string(), z.null()]) }));

/**
 * How many issues were seen for the first time, with this release. Also those that somebody has resolved since: what
 * was counted once stays counted.
 */
export async function queryGroups(
  api: Api,
  { release, search }: { release: string; search: string | undefined },
  { fromMs, toMs, stepMs }: Pick<SeriesQuestion, "fromMs" | "toMs" | "stepMs">,
  signal: AbortSignal,
): Promise<SeriesAnswer> {
  const query = `firstRelease:${quoted(release)}${search === undefined ? "" : ` ${search}`}`;
  const read = await readFirstSeen(api, query, fromMs, signal);
  if (!read.ok) return read.error;
  const times = read.value;
  if (times.some((time) => !Number.isFinite(time)))
    return { state: "no-data", reason: `${api.who} does not say when an issue was first seen`, raw: "null" };
  const points = Array.from({ length: (toMs - fromMs) / stepMs }, (_, index) => {
    const start = fromMs + index * stepMs;
    const bad = times.filter((time) => time > start && time <= start + stepMs).length;
    return { fromMs: start, toMs: start + stepMs, bad, total: 0 };
  });
  return { state: "counts", points };
}

/** When each issue was first seen, back to `fromMs`; NaN where Sentry does not say. */
async function readFirstSeen(
  api: Api,
  query: string,
  fromMs: number,
  signal: AbortSignal,
): Promise<Result<number[]>> {
  // An issue that appears while the pages are read moves others to the next page.
  const found = new Map<string, number>();
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const parameters = [
      ["query", query],
      ["sort", "new"],
      ["limit", String(PAGE)],
      ["collapse", "stats"],
      ...api.scope,
      ...(cursor === undefined ? [] : [["cursor", cursor] as const]),
    ] as const;
    const answer = await api.get("issues/", parameters, issuesSchema, signal);
    if (!answer.ok) return answer;
    const { value, next } = answer.value;
    for (const { id, firstSeen } of value) found.set(id, firstSeen === null ? NaN : Date.parse(firstSeen));
    const oldest = found.get(value.at(-1)?.id ?? "");
    if (next === undefined || oldest === undefined || oldest <= fromMs)
      return { ok: true, value: [...found.values()] };
    cursor = next;
  }
  return failed(`${api.who} has more than ${PAGE * MAX_PAGES} new issues`);
}
