import { describe, expect, it } from "vitest";
import { audited } from "./support/audit-cases.ts";
import { runCommand } from "./support/run-command.ts";

const VERIFY = ["audit", "verify"];

describe("tminus audit verify", () => {
  it("says that the history is as it was written, and with what it was compared", async () => {
    const alone = await runCommand(audited(), VERIFY);
    expect(alone.stdout).toMatch(/^✓ the history of shop is as it was written: 1 entry, 0 runs, 0 events/);
    expect(alone.stdout).toContain("not compared with anything outside the state");
    const fake = audited();
    const entry = fake.auditRecords.find((record) => record.kind === "entry")!;
    const anchor = { project: "shop", sequence: 1, hash: entry.hash, run: "r1", at: "then" };
    fake.anchorReading = { place: "the file a", anchors: [anchor] };
    expect((await runCommand(fake, VERIFY)).stdout).toContain("as 1 anchor says in the file a");
    fake.anchorReading = { place: "the file a", anchors: [{ ...anchor, hash: "other" }] };
    const broken = await runCommand(fake, VERIFY);
    expect([broken.exitCode, broken.stdout]).toEqual([
      1,
      expect.stringContaining("entry 1 is another one than was anchored at then (anchor)"),
    ]);
  });

  it("does not call sound what it could not compare with the anchors", async () => {
    for (const [reading, why] of [
      [
        { place: "the file a", anchors: [], unknown: "no permission" },
        "the file a could not be read: no permission",
      ],
      [{ place: "the file a", anchors: [] }, "the file a has no anchor of this project"],
    ] as const) {
      const fake = audited();
      fake.anchorReading = { ...reading, anchors: [] };
      const { exitCode, stdout } = await runCommand(fake, VERIFY);
      expect([exitCode, stdout]).toEqual([1, expect.stringContaining(why)]);
      expect(stdout).toMatch(/^\? the history of shop fits together/);
      const json = await runCommand(fake, [...VERIFY, "--json"]);
      expect(JSON.parse(json.stdout)).toMatchObject({ verdict: "unknown", anchors: { unknown: why } });
      fake.auditRecords = audited({ actor: "tom" }).auditRecords;
      expect(JSON.parse((await runCommand(fake, [...VERIFY, "--json"])).stdout)).toMatchObject({
        verdict: "broken",
      });
    }
  });

  it("tells every two seconds how far it is", async () => {
    let tick: () => void = () => undefined;
    const fake = audited();
    const { audit } = fake;
    fake.audit = async function* counting(filter) {
      for await (const record of audit(filter)) {
        yield record;
        tick();
      }
    };
    const { stderr } = await runCommand(fake, VERIFY, {
      onEvery: (ms, task) => {
        expect(ms).toBe(2_000);
        tick = task;
      },
    });
    expect(stderr).toBe("1 records verified\n2 records verified\n3 records verified\n");
  });
});
