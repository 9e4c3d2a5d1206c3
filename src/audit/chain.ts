import { sha256 } from "../lib/hash.ts";
import type { ChainHead } from "../model/audit.ts";
import type { AuditProblem, ProblemKind } from "./problem.ts";

/** What of a link its hash covers, after the hash of the link before. */
export type Covered = readonly (string | number)[];

export interface Link {
  sequence: number;
  hash: string;
  covered: Covered;
}

/**
 * The hash of a link: over the text of a JSON array as PostgreSQL prints it. See append_event and append_audit in
 * src/store/migrations.
 */
export function linkHash(previous: string, covered: Covered): string {
  let text = `[${JSON.stringify(previous)}`;
  for (const item of covered) text += `, ${JSON.stringify(item)}`;
  return sha256(`${text}]`);
}

export interface Chain {
  /** The next one as it was found. */
  add(link: Link): void;
  /** Compares with the head, and tells what never came. */
  end(head: ChainHead): void;
  /** Of the last link. */
  readonly last: number;
}

interface Gap {
  from: number;
  to: number;
}

/**
 * Follows one chain. Each problem is told once, at the link that it is about: a link whose content was edited does not
 * make the ones after it wrong, because their hashes rest on the hash that it has; nor does one whose hash was edited,
 * because theirs rest on what it should have.
 */
export function openChain(
  tell: (problem: AuditProblem) => void,
  noun: string,
  start: ChainHead = { sequence: 0, hash: "" },
): Chain {
  let last = start.sequence;
  /** What the next may rest on: the hash that the last one has, and the one that it should have. None after a gap. */
  let before: readonly string[] = [start.hash];
  let gaps: Gap[] = [];
  let lastIsRight = true;
  const say = (how: ProblemKind, sequence: number, text: string): void => tell({ how, sequence, text });

  function add({ sequence, hash, covered }: Link): void {
    if (sequence <= last) return late(sequence);
    if (sequence > last + 1) {
      gaps.push({ from: last + 1, to: sequence - 1 });
      before = [];
    }
    last = sequence;
    const expected = before.map((previous) => linkHash(previous, covered));
    lastIsRight = expected.length === 0 || expected.includes(hash);
    if (lastIsRight) {
      before = [hash];
      return;
    }
    say("edited", sequence, `${noun} ${sequence} is not what was written: its hash does not fit`);
    before = [hash, expected.at(-1)!];
  }

  function late(sequence: number): void {
    const gap = gaps.find(({ from, to }) => sequence >= from && sequence <= to);
    if (gap === undefined) return say("out-of-order", sequence, `${noun} ${sequence} comes twice`);
    say("out-of-order", sequence, `${noun} ${sequence} comes after ${noun} ${last}`);
    const halves = [
      { from: gap.from, to: sequence - 1 },
      { from: sequence + 1, to: gap.to },
    ];
    gaps = [...gaps.filter((each) => each !== gap), ...halves.filter(({ from, to }) => from <= to)];
  }

  function end(head: ChainHead): void {
    for (const { from, to } of gaps) {
      say(
        "missing",
        from,
        from === to ? `${noun} ${from} is missing` : `${noun}s ${from} to ${to} are missing`,
      );
    }
    if (last < head.sequence) {
      say("cut-off", last + 1, `the end is cut off after ${noun} ${last}: there were ${head.sequence}`);
    } else if (last > head.sequence) {
      say("edited", last, `the head was moved back to ${noun} ${head.sequence}, and ${last} are there`);
    } else if (lastIsRight && before.length > 0 && !before.includes(head.hash)) {
      say("edited", last, `the head has another hash than ${noun} ${last}`);
    }
  }

  return {
    add,
    end,
    get last() {
      return last;
    },
  };
}
