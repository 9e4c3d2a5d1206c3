import type { Command } from "commander";
import { example, withConfirmation, withIdentity, type Run } from "./declare.ts";

/** Windows, freezes and emergencies: when deploys may begin. */
export function addCalendar(program: Command, run: Run): void {
  const freeze = program
    .command("freeze")
    .description("let nothing more be deployed until a time; every environment without --env");
  freeze
    .requiredOption("--until <time>", 'end: 4h, "2026-12-24 18:00 Europe/Berlin", 2026-12-24T17:00Z')
    .requiredOption("--reason <text>", "why, for everybody who wants to deploy")
    .option("--from <time>", "start, written like the end; now when left out");
  withIdentity(freeze);
  example(
    freeze,
    'tminus freeze --env production --until 4h --reason "incident 42"',
    'tminus freeze --until "2027-01-03 Europe/Berlin" --reason "nobody is here"',
  );
  freeze.action((options) =>
    run(async (context) => (await import("./commands/freeze.ts")).freeze(context, options)),
  );

  const thaw = program
    .command("thaw")
    .argument("[freeze]", "name of a declared freeze, f7; the only one when left out")
    .description("lift a declared freeze before its end");
  thaw.requiredOption("--reason <text>", "why it is safe to deploy again");
  withConfirmation(withIdentity(thaw));
  example(
    thaw,
    'tminus thaw --env production --reason "the incident is over"',
    'tminus thaw f7 --reason "tested"',
  );
  thaw.action((name: string | undefined, options) =>
    run(async (context) => (await import("./commands/freeze.ts")).thaw(context, name, options)),
  );

  const emergency = program
    .command("emergency")
    .description(
      "let an environment be deployed to at any time, for at most 8h, with less asked; lists them without options",
    );
  emergency
    .option("--for <duration>", "how long: 30m, 2h")
    .option("--reason <text>", "why it cannot wait")
    .option("--end", "end it before that time is over");
  withConfirmation(withIdentity(emergency));
  example(
    emergency,
    'tminus emergency --env production --for 2h --reason "checkout is down" --login ann',
    "tminus deploy --env production --release v7 --emergency",
    "tminus emergency --env production --end --login ann",
  );
  emergency.action((options) =>
    run(async (context) => (await import("./commands/emergency.ts")).emergency(context, options)),
  );

  const windows = program
    .command("windows")
    .description("whether a deploy may begin now, why not, and when next; every environment without --env");
  example(windows, "tminus windows --env production", "tminus windows --json");
  windows.action(() => run(async (context) => (await import("./commands/windows.ts")).windows(context)));

  const toFile = windows
    .command("export")
    .description("write a year of windows and freezes as an iCalendar file");
  toFile.requiredOption("-o, --output <file>", "file to write");
  example(toFile, "tminus windows export -o deploys.ics");
  toFile.action((options: { output: string }) =>
    run(async (context) => (await import("./commands/windows.ts")).exportWindows(context, options)),
  );
}
