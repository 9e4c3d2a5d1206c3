import pg from "pg";
import { turnOff, turnOn } from "../../../src/postgres/readonly/set-mode.ts";
import { optionsFor } from "./world.ts";

/** Turns the mode on or off, and kills itself before its statement with this number. */
const [url = "", mode = "on", last = "0"] = process.argv.slice(2);
const { query } = pg.Client.prototype;
let statements = 0;
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  if (++statements === Number(last)) process.kill(process.pid, "SIGKILL");
  return Reflect.apply(query, this, args) as unknown;
} as typeof query;
if (mode === "on") await turnOn([], optionsFor(url));
else await turnOff(optionsFor(url));
process.stdout.write(String(statements));
