import { inspect } from "node:util";

const MASK = "***";
const MIN_LENGTH = 4;
/** Shorter lines of a longer value may be ordinary text. */
const MIN_LINE_LENGTH = 16;

/** A value that never prints itself. `reveal()` is called where the value leaves the process for its purpose. */
export class Secret {
  readonly #value: string;
  /** Where the value came from, for messages: "env:DATABASE_URL". */
  readonly reference: string;

  constructor(value: string, reference: string) {
    this.#value = value;
    this.reference = reference;
  }

  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return MASK;
  }
  toJSON(): string {
    return MASK;
  }
  [inspect.custom](): string {
    return `Secret(${this.reference})`;
  }
}

/**
 * Replaces every known secret value by ***, also as it stands inside JSON or a URL. A URL's password is masked
 * on its own too, and so is each long line of a value that has several, such as a key. Values shorter than
 * four characters are not masked: masking them would shred ordinary text.
 */
export class Redactor {
  #values: string[] = [];

  add(secret: Secret): void {
    const value = secret.reveal();
    for (const candidate of [value, ...passwordsIn(value)].flatMap(formsOf)) {
      if (candidate.length >= MIN_LENGTH && !this.#values.includes(candidate)) this.#values.push(candidate);
    }
    this.#values.sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let result = text;
    for (const value of this.#values) result = result.replaceAll(value, MASK);
    return result;
  }

  /** Redacts every string inside a JSON value. */
  redactJson<T>(value: T): T {
    if (this.#values.length === 0 || value === undefined) return value;
    return redactDeep(value, (text) => this.redact(text)) as T;
  }

  /**
   * Redacts a stream given in chunks: a value that straddles two chunks is masked too, because the tail
   * that could be the start of one is held back until more text or `end()` arrives.
   */
  stream(write: (text: string) => void): { push(chunk: string): void; end(): void } {
    let held = "";
    return {
      push: (chunk) => {
        const text = this.redact(held + chunk);
        const keep = this.#heldLength(text);
        held = text.slice(text.length - keep);
        if (keep < text.length) write(text.slice(0, text.length - keep));
      },
      end: () => {
        if (held !== "") write(this.redact(held));
        held = "";
      },
    };
  }

  /** Length of the longest suffix of `text` that is a proper prefix of a secret. */
  #heldLength(text: string): number {
    let longest = 0;
    for (const value of this.#values) {
      for (let length = Math.min(value.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(value.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}

/** How a value may stand in a text. */
function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length >= MIN_LINE_LENGTH);
  // Through a buffer, because encodeURIComponent refuses half a surrogate pair.
  const encoded = encodeURIComponent(Buffer.from(value).toString());
  return [value, JSON.stringify(value).slice(1, -1), encoded, ...lines];
}

function passwordsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { password } = new URL(value);
  if (password === "") return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password]; // a percent sign that encodes nothing
  }
}

function redactDeep(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, redact));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactDeep(item, redact)]));
}
