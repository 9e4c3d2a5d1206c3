import { TminusError } from "../../errors.ts";
import type { RowWatcher } from "./copy.ts";
import { addContents, type RowContent } from "./manifest.ts";

/** So many sums of 32 bits are exact in a number. */
const ROWS_PER_FOLD = 1_000_000;
/** Signature, flags and length of the extension; the server sends it together with the first row. */
const BINARY_HEADER_BYTES = 19;

/**
 * What the rows that a COPY sends add up to, whatever their order: each message is one row, as the protocol
 * promises, and counts with 64 bits of its bytes. Equal rows have equal bytes: see the types in rows.ts.
 */
export class RowContentSum implements RowWatcher {
  readonly #name: string;
  readonly #isBinary: boolean;
  #isFirst = true;
  #rows = 0;
  #low = 0;
  #high = 0;
  #xorLow = 0;
  #xorHigh = 0;
  #folded: RowContent = addContents([]);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor({ name, format }: { name: string; format: "binary" | "text" }) {
    this.#name = name;
    this.#isBinary = format === "binary";
  }

  row(message: Uint8Array): void {
    let start = 0;
    if (this.#isBinary) {
      if (this.#isFirst) start = BINARY_HEADER_BYTES;
      this.#isFirst = false;
      // The number of columns of a row that does not come: the end.
      if (message.length - start === 2 && message[start] === 0xff && message[start + 1] === 0xff) return;
    }
    this.#count(message, start);
    if (++this.#rows === ROWS_PER_FOLD) this.#fold();
  }

  /** Errors: BACKUP_FAILED when the server says that it sent another number of rows than came. */
  end(sent: number): void {
    this.#fold();
    const { rows } = this.#folded;
    if (rows === sent) return;
    throw new TminusError("BACKUP_FAILED", `${rows} rows of ${this.#name} came; the server sent ${sent}`);
  }

  /** Of all rows, after the end. */
  get content(): RowContent {
    return this.#folded;
  }

  /** Two lanes of exclusive or, multiplication and rotation by words of 32 bits, each mixed at the end as MurmurHash3 does. */
  #count(message: Uint8Array, start: number): void {
    const { buffer, byteOffset, length } = message;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    const view = this.#view;
    const end = byteOffset + length;
    let one = length - start;
    let two = ~one;
    let at = byteOffset + start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      one = Math.imul(one ^ word, 0x9e3779b1);
      one = (one << 13) | (one >>> 19);
      two = Math.imul(two ^ word, 0x85ebca77);
      two = (two << 17) | (two >>> 15);
    }
    for (; at < end; at++) {
      const byte = view.getUint8(at);
      one = Math.imul(one ^ byte, 0x9e3779b1);
      one = (one << 13) | (one >>> 19);
      two = Math.imul(two ^ byte, 0x85ebca77);
      two = (two << 17) | (two >>> 15);
    }
    const low = mixed(one);
    const high = mixed(two ^ low);
    this.#low += low >>> 0;
    this.#high += high >>> 0;
    this.#xorLow ^= low;
    this.#xorHigh ^= high;
  }

  #fold(): void {
    const sum = (BigInt(this.#high) << 32n) + BigInt(this.#low);
    const xor = (BigInt(this.#xorHigh >>> 0) << 32n) | BigInt(this.#xorLow >>> 0);
    this.#folded = addContents([
      this.#folded,
      { rows: this.#rows, sum: String(sum), xor: String(BigInt.asIntN(64, xor)) },
    ]);
    [this.#rows, this.#low, this.#high, this.#xorLow, this.#xorHigh] = [0, 0, 0, 0, 0];
  }
}

function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
