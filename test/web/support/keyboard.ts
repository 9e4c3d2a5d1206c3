import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** More than any page of the console has. */
const MOST_TABS = 60;

/** Somebody who has no mouse: what they act on has the focus, and it can be seen that it has. */
export class Keyboard {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.#page.keyboard.press(key);
  }

  /** Into what has the focus. */
  async type(text: string): Promise<void> {
    await this.#page.keyboard.type(text);
  }

  /** Goes on by Tab until it has the focus. Throws with all that had it meanwhile. */
  async reach(wanted: Locator): Promise<void> {
    const passed: string[] = [];
    for (let tabs = 0; (await wanted.and(this.#page.locator(":focus")).count()) === 0; tabs++) {
      if (tabs === MOST_TABS)
        throw new Error(`${String(wanted)} is not reached by Tab; passed: ${passed.join(", ")}`);
      await this.#page.keyboard.press("Tab");
      passed.push(
        String(await this.#page.evaluate("document.activeElement.textContent.trim().slice(0, 40)")),
      );
    }
    expect([String(wanted), await this.#page.evaluate(IS_SEEN)]).toEqual([String(wanted), true]);
  }

  async activate(wanted: Locator): Promise<void> {
    await this.reach(wanted);
    await this.#page.keyboard.press("Enter");
  }

  async fill(label: string | RegExp, text: string): Promise<void> {
    await this.reach(this.#page.getByLabel(label));
    await this.#page.keyboard.type(text);
  }
}

/** Runs in the page: the focus is drawn around what has it. */
const IS_SEEN = `(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
})()`;
