import { gzipSync } from "node:zlib";

const MAX_BYTES = 16 * 1024 * 1024;
const packed = gzipSync(Buffer.alloc(100_000_000, " "));

/** Bodies that are refused wherever they are sent. Made when they are sent: together they are large. */
export const bombs: Readonly<Record<string, () => Bomb>> = {
  "100,000 arrays in each other": () => text("[".repeat(100_000) + "]".repeat(100_000)),
  "100,000 arrays that are not closed": () => text("[".repeat(100_000)),
  "100,000 objects in each other": () => text('{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)),
  "a number of a million digits": () => text("1".repeat(1_000_000)),
  "100 MB packed": () => ({ body: packed, headers: { "content-encoding": "gzip" } }),
  "bytes that are not UTF-8": () => ({ body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) }),
  "UTF-16": () => ({ body: Buffer.from('{"a":1}', "utf16le") }),
  "half a surrogate pair": () => text(String.raw`{"\ud800":1}`),
  "U+0000": () => text(String.raw`{"\u0000":1}`),
  "no JSON": () => text("{'a':1}"),
  nothing: () => text(""),
  "a foreign prototype": () => text('{"__proto__":{"isAdmin":true}}'),
  "a foreign constructor": () => text('{"constructor":{"prototype":{"isAdmin":true}}}'),
};

/** As many bytes as are taken, or more: sending each to every route would take minutes. */
export const largeBombs: Readonly<Record<string, () => Bomb>> = {
  "millions of numbers": () => text(`[${"0,".repeat(8_000_000)}0]`),
  "millions of empty objects": () => text(`[${"{},".repeat(5_000_000)}{}]`),
  "a million properties": () => text(`{${Array.from({ length: 1_000_000 }, (_, n) => `"${n}":1`).join()}}`),
  "a text of 15 MB alone": () => text(JSON.stringify("x".repeat(15_000_000))),
  "one byte more than is taken": () => text(" ".repeat(MAX_BYTES + 1)),
  "one byte more than is taken, without saying so": () => ({ body: pieces(MAX_BYTES + 1) }),
  "a body without an end": () => ({ body: pieces(Infinity) }),
};

export interface Bomb {
  body: string | Uint8Array | AsyncIterable<Uint8Array>;
  headers?: Record<string, string>;
}

/** Values that a property has in place of its own; where they fit, they may be taken. */
export const hostileValues: Readonly<Record<string, unknown>> = {
  "deep arrays": JSON.parse("[".repeat(1_000) + "]".repeat(1_000)),
  "a long text": "x".repeat(900_000),
  "U+0000": "a\0b",
  "half a surrogate pair": "a\ud800",
  "a text that matches slowly": `${"a".repeat(50_000)}!`,
  "an address that matches slowly": `${"a@a.".repeat(20_000)}!`,
  spaces: " ".repeat(100_000),
  "a path": "../../../../etc/passwd",
  "a prototype": "__proto__",
  "a format": "%s%n%x {{constructor}} ${7*7} '; drop table tminus.run; --",
  "a large number": 1e308,
  "a negative number": -1,
  nothing: null,
};

function text(body: string): Bomb {
  return { body };
}

async function* pieces(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(65_536, " ");
  for (let sent = 0; sent < bytes; sent += piece.length)
    yield piece.subarray(0, Math.min(piece.length, bytes - sent));
}
