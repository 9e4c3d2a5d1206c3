import { sha256 } from "../lib/hash.ts";
import {
  evidenceOf,
  type Anchor,
  type AuditEntry,
  type AuditEvent,
  type AuditEvidence,
  type AuditHeader,
  type AuditRecord,
  type ChainHead,
} from "../model/audit.ts";
import { openChain } from "./chain.ts";
import { learn, type KnownRun } from "./known-run.ts";
import { MAX_PROBLEMS, type AuditProblem, type ProblemKind } from "./problem.ts";
import { openRunLog, type RunLog } from "./run-log.ts";

/** What came of verifying. Not sound and not broken is what could not be found out; that is for the caller to add. */
export interface AuditReport {
  project: string;
  verdict: "sound" | "broken";
  /** Of the project's log, as it says itself. */
  head: ChainHead;
  entries: number;
  runs: number;
  events: number;
  evidence: number;
  /** At most MAX_PROBLEMS. */
  problems: AuditProblem[];
  problemsLeftOut: number;
  /** Of this project, and how many entries are newer than the newest of them. */
  anchors: { checked: number; entriesSince: number };
}

export interface Verification {
  /** In the order of the records, the header first. A line that is no record is given as why it is none. */
  add(record: AuditRecord | { kind: "unreadable"; reason: string }): void;
  /** Once, after the last. */
  report(): AuditReport;
}

/** Verifies records one by one; holds a little for each run and piece of evidence, and nothing for an event. */
export function openVerification(anchors: readonly Anchor[] = []): Verification {
  const problems: AuditProblem[] = [];
  const counts = { entries: 0, runs: 0, events: 0, evidence: 0 };
  const known = new Map<string, KnownRun>();
  const seen = new Set<string>();
  /** SHA-256 → who named it first; gone once its content was seen. */
  const named = new Map<string, { run?: string; sequence: number }>();
  let told = 0;
  let records = 0;
  let header: AuditHeader | undefined;
  let lastEntry = "";
  let current: { id: string; log: RunLog } | undefined;
  let orphanRun: string | undefined;
  let ended = false;
  const tell = (problem: AuditProblem): void => {
    if (++told <= MAX_PROBLEMS) problems.push(problem);
  };
  const say = (how: ProblemKind, text: string, about: Partial<AuditProblem> = {}): void =>
    tell({ how, ...about, text });
  const log = openChain(tell, "entry");
  let pending: Anchor[] = [];

  function addEntry(entry: AuditEntry): void {
    counts.entries++;
    const { sequence, at, type, subject, actor, data, previous, hash } = entry;
    const isNext = sequence === log.last + 1;
    log.add({ sequence, hash, covered: [header?.project ?? "", sequence, at, type, subject, actor, data] });
    if (isNext && previous !== lastEntry)
      say("edited", `entry ${sequence} names another hash before it than entry ${sequence - 1} has`, {
        sequence,
      });
    lastEntry = hash;
    learn(known, entry, (run) =>
      say("missing", `entry ${sequence} is about run ${run}, of which no entry says that it was created`, {
        sequence,
      }),
    );
    if (header?.run === undefined)
      for (const evidence of evidenceOf(entry)) if (!named.has(evidence)) named.set(evidence, { sequence });
    pending = pending.filter((anchor) => {
      if (anchor.sequence !== sequence) return true;
      if (anchor.hash !== hash)
        say("anchor", `entry ${sequence} is another one than was anchored at ${anchor.at}`, { sequence });
      return false;
    });
  }

  function addEvent(event: AuditEvent): void {
    counts.events++;
    if (current?.id === event.run) current.log.add(event);
    else if (orphanRun !== event.run) {
      closeRun();
      orphanRun = event.run;
      say("unknown-run", `there are events of run ${event.run}, and no such run before them`, {
        run: event.run,
      });
    }
    for (const hash of evidenceOf(event))
      if (!named.has(hash)) named.set(hash, { run: event.run, sequence: event.sequence });
  }

  function closeRun(): void {
    current?.log.end();
    current = undefined;
    orphanRun = undefined;
  }

  function addEvidence({ sha256: hash, content, encoding }: AuditEvidence): void {
    counts.evidence++;
    const by = named.get(hash);
    if (!named.delete(hash) || header?.evidence !== true)
      say("evidence", `evidence ${hash} is named by no event, or is there twice or unasked`);
    if (sha256(encoding === undefined ? content : Buffer.from(content, encoding)) !== hash)
      say("evidence", `evidence ${hash} is not what its hash says`, by);
  }

  return {
    add(record) {
      if (ended) say("out-of-order", "there is more after the last record");
      if (record.kind !== "end") records++;
      switch (record.kind) {
        case "header":
          header = record;
          pending = anchors.filter(({ project }) => project === record.project);
          return;
        case "entry":
          return addEntry(record);
        case "run":
          closeRun();
          counts.runs++;
          if (seen.has(record.id)) say("out-of-order", `run ${record.id} comes twice`, { run: record.id });
          seen.add(record.id);
          current = { id: record.id, log: openRunLog(record, known.get(record.id), tell) };
          return;
        case "event":
          return addEvent(record);
        case "evidence":
          closeRun();
          return addEvidence(record);
        case "unreadable":
          return say("unreadable", `record ${records} cannot be read: ${record.reason}`);
        case "end":
          ended = true;
          if (record.records !== records)
            say("missing", `${record.records} records were written, and ${records} are there`);
      }
    },

    report() {
      closeRun();
      const head = header?.head ?? { sequence: 0, hash: "" };
      log.end(head);
      if (!ended) say("cut-off", `the records end in the middle, after ${records}`);
      for (const { sequence, at } of pending)
        say("anchor", `entry ${sequence}, which was anchored at ${at}, is not there any more`, { sequence });
      for (const id of known.keys()) {
        if (seen.has(id) || (header?.run !== undefined && header.run !== id)) continue;
        say("missing-run", `run ${id} is missing: entry ${known.get(id)!.entry} says that it was created`, {
          run: id,
        });
      }
      if (header?.evidence === true)
        for (const [hash, by] of named) say("evidence", `evidence ${hash} is missing`, by);
      const ours = anchors.filter(({ project }) => project === header?.project);
      const newest = Math.max(0, ...ours.map(({ sequence }) => sequence));
      return {
        project: header?.project ?? "",
        verdict: told === 0 ? "sound" : "broken",
        head,
        ...counts,
        problems,
        problemsLeftOut: told - problems.length,
        anchors: { checked: ours.length, entriesSince: Math.max(0, head.sequence - newest) },
      };
    },
  };
}
