import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkHash } from "../../src/audit/chain.ts";
import { openVerification, type AuditReport } from "../../src/audit/verify.ts";
import { hasCode } from "../../src/errors.ts";
import { exportLine, readExport } from "../../src/audit/export-format.ts";
import type { Anchor, AuditRecord } from "../../src/model/audit.ts";
import { auditedRun, recordsOf } from "../support/audited-run.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
let records: AuditRecord[];
beforeAll(async () => {
  state = await freshState();
  await auditedRun(state, "shop", 10);
  records = await recordsOf(state, "shop");
});
afterAll(() => state.drop());

function verify(list: readonly AuditRecord[], anchors: readonly Anchor[] = []): AuditReport {
  const verification = openVerification(anchors);
  for (const record of list) verification.add(record);
  return verification.report();
}

/** The end says how many there are, as whoever cheats would see to. */
function counted(list: readonly AuditRecord[]): AuditRecord[] {
  return list.map((record) => (record.kind === "end" ? { kind: "end", records: list.length - 1 } : record));
}

function hows(report: AuditReport): string[] {
  return [...new Set(report.problems.map(({ how }) => how))];
}

/** The same with another value of one field, for every field that there is, also within a head. */
function editsOf(record: AuditRecord): { field: string; edited: AuditRecord }[] {
  const edits: { field: string; edited: AuditRecord }[] = [];
  for (const [field, value] of Object.entries(record)) {
    if (field === "kind" || field === "version") continue;
    if (typeof value === "object" && value !== null) {
      for (const [part, inner] of Object.entries(value as object))
        edits.push({
          field: `${field}.${part}`,
          edited: { ...record, [field]: { ...value, [part]: other(inner) } } as AuditRecord,
        });
    } else edits.push({ field, edited: { ...record, [field]: other(value) } as AuditRecord });
  }
  return edits;
}

function other(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value !== "string") return "{}";
  return value.startsWith("{") ? value.replace(/"\w+" ?:/, '"other":') : `${value}x`;
}

/** Recomputes every hash of the run's log, its head, the project's log and its head: what the owner could do. */
function rewritten(list: readonly AuditRecord[]): AuditRecord[] {
  let previous = "";
  let head = { sequence: 0, hash: "" };
  const heads = new Map<number, string>();
  const events = list.map((record) => {
    if (record.kind !== "event") return record;
    const sequence = head.sequence + 1;
    const { at, type, actor, data } = record;
    const hash = linkHash(head.hash, [sequence, at, type, actor, data]);
    head = { sequence, hash };
    heads.set(sequence, hash);
    return { ...record, sequence, hash };
  });
  let sequence = 0;
  const all = events.map((record): AuditRecord => {
    if (record.kind === "run") return { ...record, head };
    if (record.kind !== "entry") return record;
    const data = JSON.parse(record.data) as { head?: { sequence: number; hash: string } };
    if (data.head !== undefined) data.head.hash = heads.get(data.head.sequence) ?? data.head.hash;
    const text = JSON.stringify(data);
    const { at, type, subject, actor } = record;
    const before = previous;
    previous = linkHash(before, ["shop", ++sequence, at, type, subject, actor, text]);
    return { ...record, sequence, data: text, previous: before, hash: previous };
  });
  return counted(
    all.map((record) =>
      record.kind === "header" ? { ...record, head: { sequence, hash: previous } } : record,
    ),
  );
}

function anchorsOf(list: readonly AuditRecord[]): Anchor[] {
  return list.flatMap((record) =>
    record.kind === "entry" && record.type !== "run.created"
      ? [{ project: "shop", sequence: record.sequence, hash: record.hash, run: "r", at: record.at }]
      : [],
  );
}

describe("verifying", () => {
  it("finds what Postgres wrote sound, and counts it", () => {
    const report = verify(records, anchorsOf(records));
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({
      project: "shop",
      verdict: "sound",
      entries: 3,
      runs: 1,
      events: 10,
      evidence: 1,
      anchors: { checked: 2, entriesSince: 0 },
    });
  });

  it("finds every edit of every field of every record", () => {
    const missed: string[] = [];
    let tried = 0;
    for (const [index, record] of records.entries()) {
      for (const { field, edited } of editsOf(record)) {
        tried++;
        if (verify(records.with(index, edited)).verdict === "sound") missed.push(`${record.kind}.${field}`);
      }
    }
    expect(tried).toBeGreaterThan(110);
    expect(missed).toEqual([]);
  });

  it("finds every record that is missing, doubled, or in the place of the next one", () => {
    for (const [index, record] of records.entries()) {
      const about = `${index} ${record.kind}`;
      if (record.kind === "header") continue;
      expect(verify(counted(records.toSpliced(index, 1))).verdict, `without ${about}`).toBe("broken");
      expect(verify(counted(records.toSpliced(index, 0, record))).verdict, `twice ${about}`).toBe("broken");
      const next = records[index + 1];
      if (next === undefined) continue;
      const swapped = records.with(index, next).with(index + 1, record);
      expect(verify(swapped).verdict, `swapped ${about}`).toBe("broken");
    }
  });

  it("finds every cut of the file", () => {
    for (let length = 1; length < records.length; length++)
      expect(hows(verify(records.slice(0, length)))).toContain("cut-off");
  });

  it("names the run, the event and what is wrong with it", () => {
    const index = records.findIndex((record) => record.kind === "event" && record.sequence === 5);
    const edited = records.with(index, { ...records[index]!, actor: "tom" } as AuditRecord);
    expect(verify(edited).problems).toEqual([
      {
        how: "edited",
        run: "shop-run",
        sequence: 5,
        text: "event 5 is not what was written: its hash does not fit",
      },
    ]);
  });

  it("finds a run that was removed with all that belongs to it, and one that was slipped in", () => {
    const without = counted(
      records.filter(({ kind }) => kind !== "run" && kind !== "event" && kind !== "evidence"),
    );
    expect(hows(verify(without))).toEqual(["missing-run"]);
    const unknown = counted(
      records.map((record) => {
        if (record.kind === "run") return { ...record, id: "other" };
        return record.kind === "event" ? { ...record, run: "other" } : record;
      }),
    );
    expect(hows(verify(unknown))).toEqual(["unknown-run", "missing-run"]);
  });

  it("finds by the project's log a run's end that was cut off with its head moved back", () => {
    const kept = records.filter((record) => record.kind !== "event" || record.sequence <= 6);
    const last = kept.findLast((record) => record.kind === "event")!;
    const cut = kept.map((record) =>
      record.kind === "run" ? { ...record, head: { sequence: 6, hash: last.hash } } : record,
    );
    const { problems } = verify(counted(cut));
    expect(problems).toContainEqual({
      how: "cut-off",
      run: "shop-run",
      sequence: 10,
      text: "the end is cut off: entry 3 of the project's log saw event 10",
    });
  });

  it("finds by an anchor outside what was rewritten with every hash and head, and what was cut off so", () => {
    const anchors = anchorsOf(records);
    const edited = rewritten(
      records.map((record) =>
        record.kind === "event" && record.sequence === 7
          ? { ...record, data: record.data.replace("note", "nota") }
          : record,
      ),
    );
    expect(verify(edited).problems).toEqual([]);
    expect(hows(verify(edited, anchors))).toEqual(["anchor"]);

    const isKept = (record: AuditRecord): boolean => record.kind !== "entry" || record.sequence === 1;
    const unmade = rewritten(
      records
        .filter((record) => isKept(record) && !(record.kind === "event" && record.sequence > 1))
        .filter(({ kind }) => kind !== "evidence")
        .map((record) =>
          record.kind === "run"
            ? { ...record, state: "queued", outcome: null, verdict: null, endState: null }
            : record,
        ),
    );
    expect(verify(unmade).problems).toEqual([]);
    expect(verify(unmade, anchors).problems.map(({ how, sequence }) => [how, sequence])).toEqual([
      ["anchor", 2],
      ["anchor", 3],
    ]);
  });

  it("leaves anchors of other projects alone", () => {
    const foreign = { project: "other", sequence: 1, hash: "x", run: "r", at: "" };
    expect(verify(records, [foreign])).toMatchObject({
      verdict: "sound",
      anchors: { checked: 0, entriesSince: 3 },
    });
  });

  it("verifies one run against the whole log of its project", async () => {
    await auditedRun(state, "pair", 8);
    const one = await recordsOf(state, "pair", "pair-run");
    expect(verify(one).problems).toEqual([]);
    expect(hows(verify(counted(one.filter(({ kind }) => kind !== "run" && kind !== "event"))))).toContain(
      "missing-run",
    );
  });

  it("counts what it does not list", () => {
    const many = records.filter(({ kind }) => kind !== "run");
    const noise = Array.from({ length: 1_500 }, () => ({ kind: "unreadable", reason: "no" }) as const);
    const verification = openVerification();
    for (const record of [...many, ...noise]) verification.add(record);
    const report = verification.report();
    expect(report.problems).toHaveLength(1_000);
    expect(report.problemsLeftOut).toBeGreaterThan(500);
  });
});

/** In pieces that know nothing of lines, as a file is read. */
async function read(lines: readonly string[], size = 7): Promise<AuditReport> {
  const text = lines.map((line) => `${line}\n`).join("");
  const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
  const verification = openVerification();
  for await (const record of readExport(Readable.from(chunks))) verification.add(record);
  return verification.report();
}

describe("an export", () => {
  it("is read as it was written", async () => {
    for (const size of [1, 7, 64, 1_000_000])
      expect(
        (
          await read(
            records.map((record) => exportLine(record).trimEnd()),
            size,
          )
        ).problems,
      ).toEqual([]);
  });

  it("is the same for the same state, to the byte", async () => {
    const again = await recordsOf(state, "shop");
    expect(again.map(exportLine)).toEqual(records.map(exportLine));
  });

  it("is broken where a line is no record, and none where the first line is not its header", async () => {
    const lines = records.map((record) => exportLine(record).trimEnd());
    for (const bad of ["{", "[]", '{"kind":"event"}', '{"kind":"other"}', ""])
      expect(hows(await read(lines.with(4, bad)))).toContain("unreadable");
    for (const first of [[], ["{}"], ["hello"], lines.slice(1)])
      await expect(read(first)).rejects.toSatisfy((error) => hasCode(error, "AUDIT_UNREADABLE"));
  });
});
