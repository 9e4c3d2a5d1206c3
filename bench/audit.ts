import { createHash } from "node:crypto";
import { linkHash } from "../src/audit/chain.ts";
import { exportLine, readExport } from "../src/audit/export-format.ts";
import { openVerification } from "../src/audit/verify.ts";
import { hashJson } from "../src/lib/hash.ts";
import { systemClock } from "../src/lib/clock.ts";
import type { AuditRecord } from "../src/model/audit.ts";
import type { Benchmark } from "./benchmark.ts";
import { median, rounded } from "./support/statistics.ts";

const EVENTS = 10_000;
const ROUNDS = 15;

/** The peer does the least that anybody can: it hashes the same bytes that the events' hashes cover. */
export const audit: Benchmark = {
  name: "audit",
  summary: "tminus audit verify of 10,000 events over bare SHA-256 of the same bytes; both from memory.",
  async run(say, signal) {
    const { records, texts } = history();
    const lines = records.map(exportLine).join("");
    const times = { verify: [] as number[], sha256: [] as number[], file: [] as number[] };
    for (let round = -2; round < ROUNDS; round++) {
      signal.throwIfAborted();
      const verifyMs = timeOf(() => {
        const verification = openVerification();
        for (const record of records) verification.add(record);
        expectSound(verification.report().verdict);
      });
      const sha256Ms = timeOf(() => {
        for (const text of texts) createHash("sha256").update(text).digest("hex");
      });
      const started = systemClock.monotonicMs();
      await verifyText(lines);
      const fileMs = systemClock.monotonicMs() - started;
      if (round < 0) continue;
      times.verify.push(verifyMs);
      times.sha256.push(sha256Ms);
      times.file.push(fileMs);
    }
    const [verifyMs, sha256Ms, fileMs] = [median(times.verify), median(times.sha256), median(times.file)];
    say(
      `${EVENTS.toLocaleString("en")} events: verified in ${verifyMs.toFixed(1)} ms, from the text of an export in ${fileMs.toFixed(1)} ms; bare SHA-256 ${sha256Ms.toFixed(1)} ms`,
    );
    return {
      ratios: {
        overSha256: rounded(verifyMs / sha256Ms, 2),
        exportOverSha256: rounded(fileMs / sha256Ms, 2),
      },
      figures: {
        events: EVENTS,
        megabytes: rounded(lines.length / 1e6, 1),
        verifyMs: rounded(verifyMs, 1),
        exportMs: rounded(fileMs, 1),
        sha256Ms: rounded(sha256Ms, 1),
      },
    };
  },
};

async function verifyText(text: string): Promise<void> {
  const verification = openVerification();
  for await (const record of readExport(piecesOf(text))) verification.add(record);
  expectSound(verification.report().verdict);
}

/** As large as a file is read in. */
// oxlint-disable-next-line typescript/require-await -- in place of a file
async function* piecesOf(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += 65_536) yield text.slice(at, at + 65_536);
}

function expectSound(verdict: string): void {
  if (verdict !== "sound") throw new Error("the history that was made here is not sound");
}

function timeOf(work: () => void): number {
  const started = systemClock.monotonicMs();
  work();
  return systemClock.monotonicMs() - started;
}

/** One run that goes on, and the texts that its hashes cover. */
function history(): { records: AuditRecord[]; texts: string[] } {
  const texts: string[] = [];
  const at = "2026-11-21T10:02:00.123456Z";
  const planHash = hashJson({ gates: [] });
  let hash = "";
  const events = Array.from({ length: EVENTS }, (_, index): AuditRecord => {
    const sequence = index + 1;
    const type = index === 0 ? "run.created" : "step.progress";
    const data = JSON.stringify(
      index === 0
        ? { environment: "production", plan: planHash }
        : { stepId: "watch", text: `errors: 0.333 %, 4 of ${sequence} in all; evidence 0.0029: holds at 40` },
    );
    texts.push(`["${hash}", ${sequence}, "${at}", "${type}", "tminus", ${JSON.stringify(data)}]`);
    hash = linkHash(hash, [sequence, at, type, "tminus", data]);
    return { kind: "event", run: "r1", sequence, at, type, actor: "tminus", data, hash };
  });
  const context = "{}";
  const data = JSON.stringify({
    run: "r1",
    environment: "production",
    plan: planHash,
    context: createHash("sha256").update(context).digest("hex"),
    createdAt: at,
  });
  const about = { at, type: "run.created", subject: "r1", actor: "tminus", data };
  const head = {
    sequence: 1,
    hash: linkHash("", ["shop", 1, at, about.type, about.subject, about.actor, data]),
  };
  const records: AuditRecord[] = [
    { kind: "header", version: 1, project: "shop", head, evidence: true },
    { kind: "entry", ...head, ...about, previous: "" },
    {
      kind: "run",
      id: "r1",
      environment: "production",
      plan: JSON.stringify({ gates: [] }),
      planHash,
      context,
      createdAt: at,
      createdBy: "tminus",
      state: "running",
      outcome: null,
      verdict: null,
      endState: null,
      head: { sequence: EVENTS, hash },
    },
    ...events,
  ];
  return { records: [...records, { kind: "end", records: records.length }], texts };
}
