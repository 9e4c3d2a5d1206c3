import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/lib/redact.ts";
import type { Actor } from "../../src/model/actor.ts";
import type { SignalBody } from "../../src/model/signal.ts";
import type { Tminus } from "../../src/model/tminus.ts";
import { rawRequest } from "../server/support/raw-request.ts";
import { CommandLine } from "../support/command-line.ts";
import { escaped, HOSTILE, RAW, SHORT, TAG } from "../support/hostile-text.ts";
import { eventually } from "../support/processes.ts";
import { ConsoleProject } from "./support/console-project.ts";
import { PAGES } from "./support/pages.ts";

const ROOM = { timeout: 240_000 };
const RELEASE = "bad";
/** The file name of what is handed in. */
const FILE = `${TAG}.txt`;

const SAY = escaped(["node", "say.mjs"]);
const STAGES = `  - id: release
    title: ${escaped(SHORT)}
    success: [${escaped(HOSTILE)}]
    steps:
      - { id: say, title: ${escaped(SHORT)}, kind: command, with: { run: ${SAY}, undo: ${SAY} } }
      - { id: ask, title: ${escaped(SHORT)}, kind: checklist, with: { items: [{ id: item, text: ${escaped(SHORT)}, evidence: attachment }] } }
      - { id: sign, title: ${escaped(SHORT)}, kind: approve, with: { authors: unknown-allowed } }
      - { id: fail, title: fail, kind: command, with: { run: ["node", "say.mjs", "1"], undo: ${SAY} } }
`;
const GATES = `  - { id: gate, title: ${escaped(SHORT)}, kind: command, with: { run: ${SAY} } }
`;

let site: ConsoleProject;
let run: string;

beforeAll(async () => {
  site = await ConsoleProject.open();
  const { project } = site;
  writeFileSync(
    join(project.directory, "say.mjs"),
    `const text = ${escaped(HOSTILE)};\nconsole.log(text);\nconsole.error(text);\nprocess.exitCode = Number(process.argv[2] ?? 0);\n`,
  );
  project.use({ stages: STAGES, gates: GATES });
  const page = await (await site.context()).newPage();
  await site.setUp(page);
  const tminus = await project.open();
  run = await hostileRun(tminus);
  await tminus.close();
}, 240_000);
afterAll(() => site.close(), 60_000);

/** A run that says something hostile wherever it can, and is rolled back; then everything else that people write. */
async function hostileRun(tminus: Tminus): Promise<string> {
  const signal = new AbortController().signal;
  const ann = await tminus.identify({
    by: "password",
    name: "ann",
    password: new Secret("correct horse battery", "ann"),
  });
  const plan = await tminus.plan({
    environment: "production",
    release: RELEASE,
    purpose: "deploy",
    signal,
    progress: () => undefined,
  });
  const { id } = await tminus.start(plan, ann);
  const waits = (what: string) =>
    eventually(
      `it waits for ${what}`,
      async () => (await tminus.findRun(id)).waitingFor?.for === what,
      60_000,
    );
  const say = (body: SignalBody, who: Actor = ann) => tminus.send(id, body, who);
  await waits("attestation");
  await say({ kind: "hold", note: HOSTILE });
  await say({ kind: "resume", note: HOSTILE });
  const attachment = await tminus.handIn({ name: FILE, content: Buffer.from(HOSTILE) });
  await say({ kind: "attest", stepId: "ask", item: "item", note: HOSTILE, attachment });
  await waits("approval");
  await say({ kind: "approve", stepId: "sign", planHash: plan.hash, note: HOSTILE });
  await eventually("it has ended", async () => (await tminus.findRun(id)).state === "ended", 60_000);
  await tminus.freeze({ environment: "production", reason: HOSTILE, until: "1h" }, ann);
  await tminus.people.addUser(
    { name: `eve ${TAG}`, emails: ["eve@example.com"], roles: ["viewer"] },
    {},
    ann,
  );
  await tminus.people.createToken(
    { name: HOSTILE.slice(0, 100), owner: "ann", kind: "human", roles: [], validMs: 60_000 },
    ann,
  );
  return id;
}

describe("text that somebody means to be more than text", ROOM, () => {
  it("is shown as text on every page, and nothing of it happens", async () => {
    const page = await (await site.context({ viewport: { width: 1280, height: 900 } })).newPage();
    const happened = whatHappens(page, site.url);
    await site.signIn(page, "ann");
    const plan = `/plan?environment=production&release=${encodeURIComponent(RELEASE)}`;
    const pages = [
      ...PAGES.map((one) => (one.name === "plan" ? { ...one, path: plan } : one)),
      { name: "run", path: `/runs/${run}`, ready: "Timeline" },
    ];
    const shown: string[] = [];
    for (const { name, path, ready } of pages) {
      await page.goto(`${site.url}${path}`);
      await page.getByText(ready).first().waitFor();
      if (name === "plan") {
        await page.getByRole("button", { name: "Make the plan" }).click();
        await page.getByRole("region", { name: "Go / no-go" }).waitFor();
      }
      let text = await plainText(page, name);
      if (name === "run") text = await openAll(page);
      if (text.includes(TAG)) shown.push(name);
    }
    expect(shown).toEqual(["now", "plan", "calendar", "settings", "run"]);
    expect(happened).toEqual([]);
  });

  it("does not come out of the command line as anything else", async () => {
    const line = new CommandLine(
      site.project.directory,
      site.project.environment({ TMINUS_START_WORKER: "0" }),
    );
    for (const args of [
      ["status"],
      ["show", run],
      ["show", run, "--step", "say"],
      ["show", run, "--markdown"],
      ["watch", run],
      ["log", "--markdown"],
    ]) {
      const { stdout, stderr } = await line.run(...args);
      expect([args, RAW.exec(stdout + stderr)?.[0]]).toEqual([args, undefined]);
    }
    expect(line.printed()).toContain(TAG);
  });

  it("is refused in the name of a release, and in a user's where it could pass for another", async () => {
    const tminus = await site.project.open();
    const ann = await tminus.identify({
      by: "password",
      name: "ann",
      password: new Secret("correct horse battery", "ann"),
    });
    for (const release of [TAG, "v1\u200b", "v1\u001b[2J", "-v1", "../v1"]) {
      const signal = new AbortController().signal;
      const request = {
        environment: "production",
        release,
        purpose: "deploy" as const,
        signal,
        progress: () => undefined,
      };
      await expect(tminus.plan(request)).rejects.toMatchObject({ code: "USAGE_INVALID" });
    }
    for (const name of ["an\u200bn", "\u202enna", "ann\u001b[2J", "a\rb", "\u009bann", " "])
      await expect(tminus.people.addUser({ name, emails: [], roles: [] }, {}, ann)).rejects.toMatchObject({
        code: "USER_INVALID",
      });
    await tminus.close();
  });

  it("is not run when it was handed in as a file: nothing but the console's own files has a type that runs", async () => {
    const page = await (await site.context()).newPage();
    await site.signIn(page, "ann");
    const tminus = await site.project.open();
    const events = JSON.stringify(await tminus.events(run, 0));
    await tminus.close();
    const hashes = [...new Set(events.match(/\b[0-9a-f]{64}\b/g))];
    const types = new Set<string>();
    for (const hash of hashes) {
      const answer = await page.request.get(`${site.url}/api/evidence/${hash}`);
      if (answer.ok())
        types.add(`${answer.headers()["content-type"]}, ${answer.headers()["x-content-type-options"]}`);
    }
    expect(
      [...types].filter((type) => !/^(text\/plain|application\/octet-stream)\b.*, nosniff$/.test(type)),
    ).toEqual([]);
    expect(types.size).toBeGreaterThan(0);
  });
});

describe("the console's files", ROOM, () => {
  it("have the strict headers, and are not served under another name of the machine", async () => {
    const index = await rawRequest(site.url, { path: "/" });
    const assets = [...index.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(2);
    for (const path of ["/", "/runs/x", "/nothing.js", "/assets/nothing.js", ...assets]) {
      const { headers } = await rawRequest(site.url, { path });
      expect([path, headers["content-security-policy"], headers["x-content-type-options"]]).toEqual([
        path,
        expect.stringContaining("default-src 'none'; script-src 'self'"),
        "nosniff",
      ]);
      const foreign = await rawRequest(site.url, { path, headers: { host: "evil.example" } });
      expect([path, foreign.status, foreign.text]).toEqual([
        path,
        403,
        expect.stringContaining("ORIGIN_REFUSED"),
      ]);
    }
    for (const path of [
      "/../package.json",
      "/..%2f..%2fpackage.json",
      "/assets/..%2f..%2f..%2fpackage.json",
      "/%2e%2e/package.json",
      "/.git/config",
    ]) {
      const { text } = await rawRequest(site.url, { path });
      expect([path, text.includes("dependencies"), text.includes("[core]")]).toEqual([path, false, false]);
    }
  });
});

/** All text of the page, in which nothing is hidden; and the page holds nothing but what the console makes. */
async function plainText(page: Page, name: string): Promise<string> {
  expect([name, await page.evaluate(FOREIGN_ELEMENTS)]).toEqual([name, []]);
  const text = String(await page.evaluate("document.body.textContent + document.title"));
  expect([name, RAW.exec(text)?.[0]]).toEqual([name, undefined]);
  return text;
}

/** Looks at each step of the run, and then at everything that is folded away. */
async function openAll(page: Page): Promise<string> {
  for (const step of await page.locator(".step-button").all()) {
    await step.click();
    await plainText(page, String(await step.textContent()));
  }
  await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
  await page.getByRole("button", { name: "Read the deploy log" }).click();
  await page.getByRole("region", { name: "Deploy log" }).waitFor();
  return plainText(page, "everything of the run");
}

/** Fills with whatever runs, is asked for elsewhere, or is refused by the page's policy. */
function whatHappens(page: Page, url: string): string[] {
  const happened: string[] = [];
  page.on("dialog", (dialog) => {
    happened.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => happened.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") happened.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== url) happened.push(`request: ${request.url()}`);
  });
  return happened;
}

/** Runs in the page: what the console itself never makes. */
const FOREIGN_ELEMENTS = `(() => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const handlers = [...element.attributes].filter(({ name }) => name.startsWith("on"));
    const address = element.getAttribute("href") ?? element.getAttribute("src") ?? "";
    const isForeign = /^\\s*(javascript|data|vbscript):/i.test(address) || address === "x" || address.includes("evil.example");
    const isForbidden = ["IFRAME", "OBJECT", "EMBED", "BASE", "IMG"].includes(element.tagName);
    const isScript = element.tagName === "SCRIPT" && (element.textContent !== "" || !address.startsWith("/"));
    if (handlers.length > 0 || isForeign || isForbidden || isScript) found.push(element.outerHTML.slice(0, 200));
  }
  return found;
})()`;
