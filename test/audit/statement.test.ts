import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { dsse } from "@sigstore/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyId, openEnvelope, signEnvelope } from "../../src/audit/dsse.ts";
import { runStatement } from "../../src/audit/statement.ts";
import type { AuditRecord } from "../../src/model/audit.ts";
import { auditedRun, recordsOf } from "../support/audited-run.ts";
import { freshState, samplePlan, type TestState } from "../support/state.ts";

const TYPE = "application/vnd.in-toto+json";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");

let state: TestState;
let records: AuditRecord[];
beforeAll(async () => {
  state = await freshState();
  await auditedRun(state, "shop", 10);
  records = await recordsOf(state, "shop", "shop-run");
});
afterAll(() => state.drop());

describe("the statement about a run", () => {
  it("names its release and plan, what was decided, the evidence, how it ended, and the heads of both logs", () => {
    const statement = runStatement(records);
    const run = records.find((record) => record.kind === "run")!;
    const header = records.find((record) => record.kind === "header")!;
    const evidence = records.find((record) => record.kind === "evidence")!;
    expect(statement).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "plan/shop-run", digest: { sha256: samplePlan({ project: "shop" }).hash } }],
      predicateType: "urn:tminus:attestation:run:v1",
      predicate: {
        run: "shop-run",
        project: "shop",
        environment: "production",
        release: "v2",
        startedBy: "mia",
        plan: { hash: run.planHash },
        evidence: [{ event: 3, sha256: evidence.sha256 }],
        verdict: { decision: "roll-back", reason: "errors" },
        outcome: "rolled-back",
        endState: { verdict: "verified" },
        logs: { run: run.head, project: header.head },
      },
    });
    expect(runStatement(records)).toEqual(statement);
  });

  it("is not made of a history that was changed, nor of a run that goes on", () => {
    const index = records.findIndex((record) => record.kind === "event");
    const edited = records.with(index, { ...records[index]!, actor: "tom" } as AuditRecord);
    expect(() => runStatement(edited)).toThrow(expect.objectContaining({ code: "AUDIT_BROKEN" }));
    const none = records.filter(({ kind }) => kind === "header" || kind === "entry");
    expect(() => runStatement([...none, { kind: "end", records: none.length }])).toThrow(
      expect.objectContaining({ code: "AUDIT_BROKEN" }),
    );
  });
});

describe("the envelope", () => {
  it.each(["", "{}", "ü and \u2028", "x".repeat(10_000)])(
    "is one that code of others verifies: payload %#",
    (payload) => {
      const envelope = signEnvelope(TYPE, payload, privateKey);
      const bytes = Buffer.from(envelope.payload, "base64");
      const signed = dsse.preAuthEncoding(envelope.payloadType, bytes);
      const signature = Buffer.from(envelope.signatures[0]!.sig, "base64");
      expect(verify(null, signed, publicKey, signature)).toBe(true);
      expect(envelope.signatures[0]!.keyid).toBe(keyId(createPublicKey(privateKey)));
      expect(openEnvelope(JSON.stringify(envelope), publicKey)).toEqual({ payloadType: TYPE, payload });
    },
  );

  it("is not opened with another key, nor when its payload, type or signature was changed", () => {
    const envelope = signEnvelope(TYPE, '{"a":1}', privateKey);
    const other = generateKeyPairSync("ed25519").publicKey;
    expect(openEnvelope(JSON.stringify(envelope), other)).toBeUndefined();
    const [signature] = envelope.signatures;
    const flipped = Buffer.from(signature!.sig, "base64");
    flipped[5]! ^= 1;
    for (const change of [
      { payload: Buffer.from('{"a":2}').toString("base64") },
      { payloadType: `${TYPE} ` },
      { signatures: [{ sig: flipped.toString("base64") }] },
      { signatures: [{ sig: "" }] },
    ])
      expect(openEnvelope(JSON.stringify({ ...envelope, ...change }), publicKey)).toBeUndefined();
  });

  it("is told from what is none", () => {
    for (const text of ["", "{", "{}", '{"payloadType":"a","payload":"?","signatures":[]}'])
      expect(() => openEnvelope(text, publicKey)).toThrow(
        expect.objectContaining({ code: "AUDIT_UNREADABLE" }),
      );
  });
});
