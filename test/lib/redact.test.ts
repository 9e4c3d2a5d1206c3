import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Redactor, Secret } from "../../src/lib/redact.ts";

function knowing(...values: string[]): Redactor {
  const redactor = new Redactor();
  for (const value of values) redactor.add(new Secret(value, "env:X"));
  return redactor;
}

/** What comes out of a stream that is given these chunks. */
function streamed(redactor: Redactor, chunks: string[]): string {
  let out = "";
  const stream = redactor.stream((text) => (out += text));
  for (const chunk of chunks) stream.push(chunk);
  stream.end();
  return out;
}

describe("a secret", () => {
  it("never prints itself", () => {
    const secret = new Secret("hunter2", "env:PASSWORD");
    expect([String(secret), JSON.stringify({ secret }), inspect(secret)]).toEqual([
      "***",
      '{"secret":"***"}',
      "Secret(env:PASSWORD)",
    ]);
    expect(secret.reveal()).toBe("hunter2");
  });
});

describe("a redactor", () => {
  it("masks every occurrence, the longer value first, and leaves values under four characters alone", () => {
    const redactor = knowing("abcd", "abcdefgh", "xyz");
    expect(redactor.redact("abcdefgh abcd xyz abcd")).toBe("*** *** xyz ***");
  });

  it("masks a URL's password on its own, as written and decoded", () => {
    const redactor = knowing("postgres://u:p%40ssword@db/x");
    expect(redactor.redact("p%40ssword p@ssword postgres://u:p%40ssword@db/x")).toBe("*** *** ***");
  });

  it("knows a URL whose password has a percent sign that encodes nothing", () => {
    expect(knowing("postgres://u:100%pure@db/x").redact("it is 100%pure")).toBe("it is ***");
  });

  it("masks inside JSON values and leaves everything else as it is", () => {
    const value = { a: ["hunter2", 1, null, true], b: { c: "is hunter2" } };
    expect(knowing("hunter2").redactJson(value)).toEqual({ a: ["***", 1, null, true], b: { c: "is ***" } });
    expect(knowing().redactJson(value)).toBe(value);
  });

  it("masks a value in a stream however it is cut", () => {
    const text = "the word is hunter2-hunter2, I said hunter2-hunter2!";
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(streamed(knowing("hunter2-hunter2"), chunks)).toBe("the word is ***, I said ***!");
      }),
    );
  });

  it("holds back no more of a stream than could be the start of a secret", () => {
    let out = "";
    const stream = knowing("hunter2").stream((text) => (out += text));
    stream.push("say hun");
    expect(out).toBe("say ");
    stream.push("gry");
    expect(out).toBe("say hungry");
    stream.end();
    expect(out).toBe("say hungry");
  });
});

describe("forms of a secret", () => {
  const key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nshort\n-----END KEY-----";

  it("are masked inside JSON, inside a URL, and line by line", () => {
    const redactor = new Redactor();
    redactor.add(new Secret(key, "env:KEY"));
    expect(redactor.redact(JSON.stringify({ key }))).toBe('{"key":"***"}');
    expect(redactor.redact(`https://x/?key=${encodeURIComponent(key)}`)).toBe("https://x/?key=***");
    expect(redactor.redact("read MIIEvQIBADANBgkqhkiG9w0BAQ from a short file")).toBe(
      "read *** from a short file",
    );
  });
});
