import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { turnOff, turnOn } from "../../../src/postgres/readonly/set-mode.ts";
import { readStatus, verifyMode } from "../../../src/postgres/readonly/verify.ts";
import { openSession } from "../../../src/postgres/session/connect.ts";
import { GRANTS, openWorld, TRIGGERS } from "./world.ts";

const CHILD = join(import.meta.dirname, "mode-child.ts");
/** Every so many statements; 1 takes minutes. */
const STRIDE = Number(process.env.TMINUS_TEST_KILL_STRIDE ?? 37);

/** Answers how many statements it took, or undefined when it was killed. */
const run = (url: string, mode: string, last: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [CHILD, url, mode, String(last)], (error, stdout, stderr) => {
      if (error === null) resolve(Number(stdout));
      else if (error.signal === "SIGKILL") resolve(undefined);
      else reject(new Error(stderr));
    });
  });

it(
  "ends right, killed before any statement of on or of off and given again",
  { timeout: 600_000 },
  async () => {
    await using world = await openWorld();
    await using looker = await openSession({
      connectionString: world.url,
      purpose: "test",
      statementTimeoutMs: 20_000,
    });
    const grants = await world.query(GRANTS);
    const isOff = async (what: string): Promise<void> => {
      expect(await world.query(GRANTS), what).toEqual(grants);
      expect(await world.query(TRIGGERS), what).toEqual([{ there: 0 }]);
      expect(await readStatus(looker), what).toMatchObject({ state: "off", problems: [] });
    };
    let kills = 0;
    for (const mode of ["on", "off"]) {
      for (let last = 3; ; last += STRIDE) {
        const what = `${mode}, killed before statement ${last}`;
        if (mode === "off") await turnOn([], world.options);
        if ((await run(world.url, mode, last)) !== undefined) break;
        kills++;
        // Either way on from there.
        if (kills % 2 === 0) {
          await turnOn([], world.options);
          expect(await verifyMode(looker, "on"), what).toMatchObject({ verdict: "pass" });
        }
        await turnOff(world.options);
        await isOff(what);
      }
      await turnOff(world.options);
      await isOff(mode);
    }
    expect(kills).toBeGreaterThan(5);
    process.stdout.write(`${kills} kills, every grant and trigger right after each\n`);
  },
);
