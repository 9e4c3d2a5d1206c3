import chromium from "@sparticuz/chromium";
import { chromium as playwright, type Browser } from "playwright-core";

/** A real Chromium, without a window. */
export async function openBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromiumArguments(),
    headless: true,
    handleSIGINT: false, // whoever opened it cleans up
  });
}

export function chromiumArguments(): string[] {
  // One process for all pages would end with the first page that fails.
  return chromium.args.filter((argument) => !["--single-process", "--no-zygote"].includes(argument));
}
