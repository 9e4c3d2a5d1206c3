import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import type { LedgerRow } from "../../../src/postgres/migrations/ledger.ts";
import type { HistoryFormat } from "../../../src/postgres/migrations/migration.ts";
import {
  discoverHistory,
  readStanding,
  type Standing,
} from "../../../src/postgres/migrations/read-history.ts";
import { layOutHistory } from "../../support/histories.ts";
import { say, type Verdict } from "./history-cases.ts";
import { openMigrationWorld, type MigrationWorld } from "./world.ts";

/** What is said of a history: names by kind of finding. */
export type Findings = Record<"pending" | "edited" | "missing" | "failed" | "out-of-order", string[]>;

/** The owner's tool on the same folder and database. */
export interface Referee extends AsyncDisposable {
  ask(): Promise<Findings>;
  deploy(): Promise<{ ok: boolean; output: string }>;
  /** What it never looks at. */
  blind: readonly (keyof Findings)[];
}

/** Files 1, 2, 3 … of one format, a database, tminus, and the owner's tool. */
export interface Arena extends AsyncDisposable {
  world: MigrationWorld;
  referee: Referee;
  directory: string;
  write(number: number, sql: string): Promise<void>;
  remove(number: number): Promise<void>;
  standing(): Promise<Standing>;
  ask(): Promise<Findings>;
  apply(): Promise<LedgerRow[]>;
}

export const table = (number: number): string => `create table t${number} (id int);\n`;

export async function openArena(
  format: HistoryFormat,
  openReferee: (world: MigrationWorld, directory: string) => Promise<Referee>,
): Promise<Arena> {
  const world = await openMigrationWorld();
  const directory = await layOutHistory(format, world.directory, []);
  const referee = await openReferee(world, directory);
  const path = (number: number): string =>
    join(directory, format === "prisma" ? `${nameOf(number)}/migration.sql` : `${nameOf(number)}.sql`);
  const options = world.options({ format });
  const standing = async (): Promise<Standing> => {
    const { migrations } = await discoverHistory(directory, format);
    return readOnly({ ...options, purpose: "look" }, (session) => readStanding(session, format, migrations));
  };
  return {
    world,
    referee,
    directory,
    standing,
    async write(number, sql) {
      await mkdir(dirname(path(number)), { recursive: true });
      await writeFile(path(number), sql);
    },
    remove: (number) => rm(format === "prisma" ? dirname(path(number)) : path(number), { recursive: true }),
    async ask() {
      const { pending, problems } = await standing();
      const files = (kind: string): string[] =>
        problems.filter((problem) => problem.kind === kind).map(({ file }) => keyOf(file));
      return {
        pending: pending.map(({ file }) => keyOf(file)),
        edited: files("edited"),
        missing: files("missing"),
        failed: files("failed"),
        "out-of-order": files("out-of-order"),
      };
    },
    apply: async () => applyMigrations((await discoverHistory(directory, format)).migrations, options),
    async [Symbol.asyncDispose]() {
      await referee[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** The 14 digits by which both sides name a migration. */
export function keyOf(name: string): string {
  return name.slice(0, 14);
}

function nameOf(number: number): string {
  return `2024010${number}000000_t${number}`;
}

type Maker = "owner" | "tminus";

/** Brings a history into a state; `run` applies with whoever makes it, and may fail. */
const CASES: Readonly<Record<string, (arena: Arena, run: () => Promise<void>) => Promise<void>>> = {
  async applied(arena, run) {
    for (const number of [1, 2]) await arena.write(number, table(number));
    await run();
  },
  async pending(arena, run) {
    await CASES.applied!(arena, run);
    await arena.write(3, table(3));
  },
  async edited(arena, run) {
    await CASES.applied!(arena, run);
    await arena.write(2, "create table t2 (id bigint);\n");
  },
  async failed(arena, run) {
    await CASES.applied!(arena, run);
    await arena.write(3, `${table(3)}${table(1)}`);
    await run();
  },
  async "out of order"(arena, run) {
    for (const number of [1, 3]) await arena.write(number, table(number));
    await run();
    await arena.write(2, table(2));
  },
  async missing(arena, run) {
    await CASES.applied!(arena, run);
    await arena.remove(2);
  },
};

/** Every case made by either side: what both say of it must be the same but for what the owner's tool does not look at. */
export async function compareVerdicts(open: () => Promise<Arena>, owner: string): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const name of Object.keys(CASES)) {
    const both = (["owner", "tminus"] satisfies Maker[]).map((maker) => compareOne(open, name, maker, owner));
    verdicts.push(...(await Promise.all(both)));
  }
  return verdicts;
}

async function compareOne(
  open: () => Promise<Arena>,
  name: string,
  maker: Maker,
  owner: string,
): Promise<Verdict> {
  await using arena = await open();
  await CASES[name]!(arena, async () => {
    if (maker === "owner") await arena.referee.deploy();
    else await arena.apply().catch(() => undefined);
  });
  const [theirs, ours] = [await arena.referee.ask(), await arena.ask()];
  const seen = { ...ours };
  for (const kind of arena.referee.blind) seen[kind] = [];
  expect([name, maker, theirs]).toEqual([name, maker, seen]);
  const unseen = arena.referee.blind.filter((kind) => ours[kind].length > 0);
  return {
    case: name,
    madeBy: maker === "owner" ? owner : "tminus",
    owner: `${say(theirs)}${unseen.length === 0 ? "" : ` (does not look at: ${unseen.join(", ")})`}`,
    tminus: say(ours),
  };
}
