import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/lib/clock.ts";
import {
  formatOf,
  parseExposition,
  typeOf,
  type ExpositionFormat,
} from "../../../../src/providers/signals/openmetrics/exposition.ts";
import { openApi, type Api } from "../../../../src/providers/signals/prometheus/api.ts";
import { eventually } from "../../../support/processes.ts";
import { hasPrometheus, startPrometheus, type PrometheusServer } from "../../../support/prometheus.ts";
import { INVALID, VALID, type CorpusText } from "./exposition-corpus.ts";

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4",
};
const isThere = await hasPrometheus();

describe("a text of metrics", () => {
  it.each(INVALID)("with $name ($format) is none: $problem", ({ format, text, problem }) => {
    expect(parseExposition(text, format)).toEqual({ ok: false, problem });
  });

  it.each([
    ["up 1\nup 2\n", "line 2 is of a series that was there before"],
    ['up{a="1",b="2"} 1\nup{b="2",a="1"} 1\n', "line 2 is of a series that was there before"],
    ['up{a="1",a="2"} 1\n', "line 1 has the label a twice"],
    ["# TYPE up gauge\n# TYPE up gauge\n", "line 2 is a second TYPE of up"],
  ])("%j that would be counted twice is none", (text, problem) => {
    expect(parseExposition(text, "prometheus")).toEqual({ ok: false, problem });
  });

  it("tells times in milliseconds or seconds by its format, and keeps the last of several", () => {
    expect(parseExposition("foo 17 1520879607789\n", "prometheus")).toMatchObject({
      exposition: { samples: [{ value: 17, atMs: 1_520_879_607_789 }] },
    });
    expect(parseExposition("foo 17 1520879600\nfoo 18 1520879607.789\n# EOF\n", "openmetrics")).toMatchObject(
      {
        exposition: { samples: [{ value: 18, atMs: 1_520_879_607_789 }] },
      },
    );
  });

  it("may have blanks at both ends of a line, as Prometheus documents and does not read", () => {
    expect(parseExposition("  # hello\n  up { } 1 \n", "prometheus")).toMatchObject({
      exposition: { samples: [{ labels: { __name__: "up" }, value: 1 }] },
    });
  });

  it("tells the type of a family from any of its samples", () => {
    const parsed = parseExposition("# TYPE foo counter\nfoo_total 1\n# EOF\n", "openmetrics");
    expect(parsed.ok && typeOf(parsed.exposition, "foo_total")).toBe("counter");
    expect(parsed.ok && typeOf(parsed.exposition, "bar")).toBeUndefined();
  });

  it("is in Prometheus' own format when nothing else is said", () => {
    expect([undefined, "text/plain", CONTENT_TYPES.openmetrics].map(formatOf)).toEqual([
      "prometheus",
      "prometheus",
      "openmetrics",
    ]);
  });
});

/** What we make of a text is what Prometheus makes of it. */
describe.skipIf(!isThere)("beside a real Prometheus", () => {
  const all: CorpusText[] = [...VALID, ...INVALID];
  let pages: Server;
  let server: PrometheusServer;
  let api: Api;
  const { signal } = new AbortController();

  beforeAll(async () => {
    pages = createServer((request, response) => {
      const { format, text } = all[Number(request.url!.slice(1))]!;
      response.writeHead(200, { "content-type": CONTENT_TYPES[format] }).end(text);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    const { port } = pages.address() as AddressInfo;
    const jobs = all.map(
      (_text, index) =>
        `  - { job_name: "${index}", metrics_path: /${index}, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }\n`,
    );
    server = await startPrometheus(
      `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n${jobs.join("")}`,
    );
    const redact = (text: string): string => text;
    api = openApi({ url: server.url, headers: {}, timeoutMs: 10_000, who: "it", clock: systemClock, redact });
    await eventually("every page was scraped", async () => {
      const answer = await api.instant("count(up)", Date.now(), signal);
      return answer.ok && answer.value[0]?.samples[0]?.value === all.length;
    });
  });
  afterAll(async () => {
    await server?.close();
    pages?.closeAllConnections();
    pages?.close();
  });

  const stored = async (index: number): Promise<unknown> => {
    const answer = await api.instant(`{job="${index}", __name__!~"up|scrape_.*"}`, Date.now(), signal);
    if (!answer.ok) return answer;
    return sorted(
      answer.value.map(({ labels: { job: _job, instance: _instance, ...labels }, samples }) => ({
        labels,
        value: samples[0]!.value,
      })),
    );
  };

  it.each(VALID.map((text, index) => ({ ...text, index })))(
    "$name ($format) is the same",
    async ({ format, text, index }) => {
      const parsed = parseExposition(text, format);
      expect(parsed.ok && sorted(parsed.exposition.samples)).toEqual(await stored(index));
    },
  );

  it.each(INVALID.map((text, index) => ({ ...text, index: VALID.length + index })))(
    "$name ($format) is refused",
    async ({ index }) => {
      const up = await api.instant(`up{job="${index}"}`, Date.now(), signal);
      expect(up.ok && up.value[0]?.samples[0]?.value).toBe(0);
    },
  );
});

function sorted(samples: readonly { labels: Readonly<Record<string, string>>; value: number }[]): unknown[] {
  const key = (labels: Readonly<Record<string, string>>): string =>
    JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return samples
    .map(({ labels, value }) => ({ labels: key(labels), value }))
    .toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
}
