import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEvidenceCalls } from "../../src/compose/evidence.ts";
import { sha256 } from "../../src/lib/hash.ts";
import { MAX_ATTACHMENT_BYTES } from "../../src/model/evidence.ts";
import { keepEvidence, readEvidence, readEvidenceText } from "../../src/store/evidence.ts";
import { freshState, type TestState } from "../support/state.ts";

let state: TestState;
beforeAll(async () => {
  state = await freshState();
});
afterAll(() => state.drop());

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00);

describe("evidence", () => {
  it("holds bytes to the byte beside texts, each found by the SHA-256 of what it is", async () => {
    const hash = await keepEvidence(state.pool, { content: PNG, mediaType: "image/png" });
    expect(hash).toBe(sha256(PNG));
    expect(await readEvidence(state.pool, hash)).toEqual({
      mediaType: "image/png",
      content: Buffer.from(PNG),
    });
    expect(await readEvidenceText(state.pool, hash)).toBeUndefined();
    const text = await state.journal.saveEvidence("what a step said");
    expect(await readEvidence(state.pool, text)).toEqual({
      mediaType: "text/plain",
      content: "what a step said",
    });
    expect(await readEvidence(state.pool, "0".repeat(64))).toBeUndefined();
  });

  it("is stored once, and is neither changed nor stored under another hash", async () => {
    const first = await keepEvidence(state.pool, { content: PNG, mediaType: "image/png" });
    expect(await keepEvidence(state.pool, { content: PNG, mediaType: "text/html" })).toBe(first);
    expect((await readEvidence(state.pool, first))?.mediaType).toBe("image/png");
    await expect(state.pool.query("update tminus.evidence set bytes = '\\x00'")).rejects.toThrow(
      /not changed any more/,
    );
    const insert = (columns: string, values: string): Promise<unknown> =>
      state.pool.query(
        `insert into tminus.evidence (sha256, ${columns}) values ('${"1".repeat(64)}', ${values})`,
      );
    await expect(insert("bytes", "'\\x00'")).rejects.toThrow(/evidence_is_its_hash/);
    await expect(insert("content, bytes", "'a', '\\x61'")).rejects.toThrow(/evidence_has_content/);
    await expect(insert("content", "null")).rejects.toThrow(/evidence_has_content/);
  });
});

describe("a file that is handed in", () => {
  const { handIn, evidence } = openEvidenceCalls(async () => state.pool);

  it("is kept to the byte, as text when it is UTF-8, with the type that its name says", async () => {
    for (const [name, content, mediaType, isText] of [
      ["photo.png", PNG, "image/png", false],
      ["notes.md", Buffer.from("\uFEFFgrüße\n"), "text/markdown", true],
      ["output", Buffer.from("plain\n"), "text/plain", true],
      ["output.bin", randomBytes(64_000), "application/octet-stream", false],
      ["page.html", Buffer.from("<script>"), "text/html", true],
      ["latin1.txt", Uint8Array.of(0x67, 0x72, 0xfc), "application/octet-stream", false],
    ] as const) {
      const kept = await handIn({ name, content });
      expect(kept).toEqual({ sha256: sha256(content), name, mediaType });
      const found = await evidence(kept.sha256);
      expect([typeof found?.content === "string", Buffer.from(found!.content)]).toEqual([
        isText,
        Buffer.from(content),
      ]);
    }
  });

  it("is refused when it is empty or larger than what is kept for good", async () => {
    await expect(handIn({ name: "a", content: new Uint8Array() })).rejects.toThrow("a is empty");
    await expect(
      handIn({ name: "dump.bin", content: new Uint8Array(MAX_ATTACHMENT_BYTES + 1) }),
    ).rejects.toThrow("dump.bin has 10.0 MiB, and an attachment has at most 10 MiB");
    const most = await handIn({ name: "most.bin", content: new Uint8Array(MAX_ATTACHMENT_BYTES) });
    expect((await evidence(most.sha256))?.content).toHaveLength(MAX_ATTACHMENT_BYTES);
  });
});
