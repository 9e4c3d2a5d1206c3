import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { column, emptyRow } from "../../../../src/providers/local/edge/columns.ts";
import { HistoryFile } from "../../../../src/providers/local/edge/history-file.ts";
import type { ClosedSpan } from "../../../../src/providers/local/edge/span-history.ts";
import { Rig } from "../rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

const NOON = Date.UTC(2026, 9, 3, 12);
const HOUR = 3_600_000;

function spanAt(ms: number, requests = 1): ClosedSpan {
  const row = emptyRow();
  row[column.requests] = requests;
  return { index: ms / 10_000, rows: new Map([["v1", row]]) };
}

async function write(file: HistoryFile, ...spans: ClosedSpan[]): Promise<void> {
  for (const span of spans) file.append(span);
  await file.settled();
}

describe("the stored history", () => {
  it("gives back what was written, by any number of processes after each other", async () => {
    const folder = join(await rig.folder(), "history");
    const spans = [spanAt(NOON - 20_000), spanAt(NOON - 10_000, 0), spanAt(NOON, 7)];
    await write(new HistoryFile(folder, expect.fail), spans[0]!);
    await write(new HistoryFile(folder, expect.fail), spans[1]!, spans[2]!);
    expect(await new HistoryFile(folder, expect.fail).load(NOON + 10_000)).toEqual(spans);
  });

  it("gives nothing that is older than a day or not yet over, and removes old files", async () => {
    const folder = await rig.folder();
    const file = new HistoryFile(folder, expect.fail);
    await write(file, spanAt(NOON - 26 * HOUR), spanAt(NOON - 24 * HOUR), spanAt(NOON));
    expect(await readdir(folder)).toEqual(["2026-10-02T12.3.jsonl", "2026-10-03T12.3.jsonl"]);
    expect(await file.load(NOON + 10_000)).toEqual([spanAt(NOON)]);
    expect(await file.load(NOON + 9_999)).toEqual([spanAt(NOON - 24 * HOUR)]);
  });

  it("leaves out lines that were not written to their end, and files of another version", async () => {
    const folder = await rig.folder();
    await write(new HistoryFile(folder, expect.fail), spanAt(NOON));
    const path = join(folder, "2026-10-03T12.3.jsonl");
    await appendFile(path, (await readFile(path, "utf8")).slice(0, -5));
    await writeFile(join(folder, "2026-10-03T12.1.jsonl"), await readFile(path));
    const file = new HistoryFile(folder, expect.fail);
    await write(file, spanAt(NOON + 10_000));
    await appendFile(
      path,
      ["", '{"at":5,"rows":{}}', '{"at":10000,"rows":{"v1":[-1]}}', "null", "[]", '{"at":10000}'].join("\n"),
    );
    expect(await file.load(NOON + HOUR)).toEqual([spanAt(NOON), spanAt(NOON + 10_000)]);
  });

  it("says once that it cannot be stored, and goes on when it can", async () => {
    const folder = join(await rig.folder(), "file");
    await writeFile(folder, "in the way");
    const said: string[] = [];
    const file = new HistoryFile(folder, (text) => said.push(text));
    await write(file, spanAt(NOON), spanAt(NOON + 10_000));
    expect(said).toEqual([expect.stringContaining("the history cannot be stored: EEXIST")]);
  });
});
