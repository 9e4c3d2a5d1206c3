import { suggest } from "../../lib/did-you-mean.ts";
import { parseDuration } from "../../lib/duration.ts";
import { tokensOf, type Token } from "./tokens.ts";
import type { RuleProblem } from "./watch-rule.ts";

/** Thrown inside the parser only: the first thing that is wrong. */
export class Mistake extends Error {
  readonly problem: RuleProblem;
  constructor(problem: RuleProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Reads the words of one text from left to right. Everything that expects something throws a Mistake. */
export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get next(): Token {
    return this.#tokens[this.#at]!;
  }

  /** Whether the next words are these; they are then behind the cursor. */
  take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => this.#tokens[this.#at + index]?.text === word)) return false;
    this.#at += words.length;
    return true;
  }

  expect(word: string, hint: string): void {
    if (!this.take(word)) throw this.mistake(`expected ${word}${this.#found()}`, hint);
  }

  /** One of the words, or a mistake that names the closest. */
  oneOf<Word extends string>(words: readonly Word[], noun: string): Word {
    const found = words.find((word) => word === this.next.text);
    if (found === undefined) {
      const { kind, text } = this.next;
      const hint =
        kind === "name" ? suggest(text, words, "write one of") : `write one of: ${words.join(", ")}`;
      throw this.mistake(`expected ${noun}${this.#found()}`, hint);
    }
    this.#at++;
    return found;
  }

  name(noun: string): string {
    if (this.next.kind !== "name") throw this.mistake(`expected ${noun}${this.#found()}`, `write ${noun}`);
    return this.#advance().text;
  }

  number(noun: string): number {
    if (this.next.kind !== "number")
      throw this.mistake(`expected ${noun}${this.#found()}`, "write a number like 1 or 0.5");
    return Number(this.#advance().text);
  }

  /** At least 1. */
  count(noun: string): number {
    const { offset, text } = this.next;
    const value = this.number(noun);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Mistake({
      offset,
      length: text.length,
      message: `expected ${noun}, found ${text}`,
      hint: "write a whole number from 1",
    });
  }

  /** Milliseconds, more than 0. */
  duration(noun: string): number {
    const ms = this.next.kind === "duration" ? parseDuration(this.next.text) : undefined;
    if (ms === undefined || ms === 0)
      throw this.mistake(`expected ${noun}${this.#found()}`, "write a duration like 30s, 5m or 1h30m");
    this.#at++;
    return ms;
  }

  end(hint: string): void {
    if (this.next.kind !== "end") throw this.mistake(`${this.next.text} is too much here`, hint);
  }

  /** About the next word. */
  mistake(message: string, hint: string): Mistake {
    const { offset, text } = this.next;
    return new Mistake({ offset, length: text.length, message, hint });
  }

  #advance(): Token {
    return this.#tokens[this.#at++]!;
  }

  #found(): string {
    return this.next.kind === "end" ? "" : `, found ${this.next.text}`;
  }
}
