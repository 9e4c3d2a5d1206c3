import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { DecisionWord } from "../model/decision.ts";
import { runOutcomes, runStates } from "../model/run-list.ts";
import type { CommandBody, GlobalOptions } from "./command-context.ts";
import { addAudit } from "./audit-program.ts";
import { addCalendar } from "./calendar-program.ts";
import { addDatabase } from "./database-program.ts";
import { addSecrets } from "./secrets-program.ts";
import { addPeople } from "./people-program.ts";
import { addServer } from "./server-program.ts";
import {
  RUN,
  collect,
  countOf,
  durationOf,
  example,
  searchOf,
  withIdentity,
  withConfirmation,
  type Execute,
  type Run,
} from "./declare.ts";

const EMERGENCY = "rest the plan on the emergency that is declared: at any time, with less asked";

const ATTACH = "a file that shows it, kept with it as it is; at most 10 MiB";

const AT = "when T-0 is to be, in a zone or in UTC; as early as the offsets of the steps allow when left out";

/** The command tree. Every body is loaded only when its command runs; `execute` is called with it. */
export function buildProgram(execute: Execute): Command {
  const program = new Command("tminus")
    .description(
      "The deployment runbook that runs itself: durable, crash-safe releases from one reviewed file.",
    )
    .version(packageVersion(), "-V, --version", "print the version and exit")
    .option("--env <name>", "environment; the only one of the runbook when left out")
    .option("--config <file>", "runbook; otherwise tminus.yaml here or in a parent folder")
    .addOption(
      new Option("--json [mode]", "one JSON object on stdout; --json=stream for one event a line").choices([
        "object",
        "stream",
      ]),
    )
    .option("--plain", "lines instead of a live tree, no colours")
    .option("-q, --quiet", "only the result and errors")
    .option("--no-input", "never ask; fail when an answer is needed")
    .option("--no-color", "no colours; NO_COLOR and TERM=dumb do the same")
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true);
  const run = (body: CommandBody): Promise<void> => execute(program.opts<GlobalOptions>(), body);
  addLookAhead(program, run);
  addRuns(program, run);
  addDecisions(program, run);
  addCalendar(program, run);
  addHistory(program, run);
  addAudit(program, run);
  addDatabase(program, run);
  addSecrets(program, run);
  addPeople(program, run);
  addServer(program, run, packageVersion());
  addInternal(program, run);
  return program;
}

function addLookAhead(program: Command, run: Run): void {
  const init = program.command("init").description("write a first tminus.yaml from what is in this folder");
  init.option("--force", "overwrite an existing file", false);
  example(init, "tminus init");
  init.action((options: { force: boolean }) =>
    run(async (context) => (await import("./commands/init.ts")).init(context, options)),
  );

  const doctor = program
    .command("doctor")
    .description("check that everything tminus needs is there and answers");
  example(doctor, "tminus doctor", "tminus doctor --json");
  doctor.action(() => run(async (context) => (await import("./commands/doctor.ts")).doctor(context)));

  const plan = program
    .command("plan")
    .description("show what a deploy would do, and change nothing; exits 3 when blocked");
  plan
    .requiredOption("--release <name>", "release to plan for")
    .option("-o, --output <file>", "write the plan as JSON")
    .option("--at <time>", AT)
    .option("--emergency", EMERGENCY);
  example(plan, "tminus plan --env production --release v2", "tminus plan --release v2 -o plan.json");
  plan.action((options: { release: string; output?: string; emergency?: boolean; at?: string }) =>
    run(async (context) => (await import("./commands/plan.ts")).plan(context, options)),
  );
}

function addRuns(program: Command, run: Run): void {
  const deploy = program
    .command("deploy")
    .description("carry out a plan as a durable run and watch it; Ctrl-C detaches");
  deploy
    .option("--release <name>", "release to deploy; a plan file already names it")
    .option("--plan <file>", "deploy exactly this plan; refused when an input has moved since")
    .option("--at <time>", AT)
    .option("--detach", "start the run and return at once")
    .option("--no-wait", "fail at once when another run holds the environment")
    .option("--wait-for-window", "when no deploy may begin now, start a run that waits with its place")
    .option("--emergency", EMERGENCY);
  withConfirmation(withIdentity(deploy));
  example(
    deploy,
    "tminus deploy --env staging --release v2",
    "tminus deploy --plan plan.json --confirm=production --detach",
    'tminus deploy --release v2 --at "2026-12-01 10:00 America/New_York" --detach',
  );
  deploy.action((options) =>
    run(async (context) => (await import("./commands/deploy.ts")).deploy(context, options)),
  );

  const status = program
    .command("status")
    .description("what is live and what runs; exits 4 when a run waits for a person");
  example(status, "tminus status", "tminus status --env production --json");
  status.action(() => run(async (context) => (await import("./commands/status.ts")).status(context)));

  const watch = program
    .command("watch")
    .argument("[run]", RUN)
    .description("watch a run until it ends; Ctrl-C leaves it running");
  example(watch, "tminus watch", "tminus watch --json=stream");
  watch.action((id: string | undefined) =>
    run(async (context) => (await import("./commands/watch.ts")).watch(context, id)),
  );

  const wait = program
    .command("wait")
    .argument("[run]", RUN)
    .description("block until a run has come to a state, for scripts");
  wait
    .addOption(
      new Option("--for <state>", "waiting: a person has to decide; succeeded or finished: it has ended")
        .choices(["waiting", "succeeded", "finished"])
        .default("finished"),
    )
    .option("--timeout <duration>", "give up after this long: 90s, 15m, 1h30m", durationOf);
  example(wait, "tminus wait --for waiting --timeout 10m", "tminus wait --for succeeded");
  wait.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/wait.ts")).wait(context, id, options)),
  );

  const rollback = program
    .command("rollback")
    .argument("[run]", RUN)
    .description("undo the active run, or go back to an earlier release");
  rollback
    .option(
      "--to <release>",
      "release to go back to when no run is active; the one before the live one when left out",
    )
    .option("--note <text>", "why", "")
    .option("--preview", "only tell what rolling back would do and lose now; changes nothing")
    .option("--detach", "return as soon as the rollback was asked for");
  withConfirmation(withIdentity(rollback));
  example(
    rollback,
    "tminus rollback --env production --preview",
    "tminus rollback --env production",
    "tminus rollback --to v1 --confirm=production",
  );
  rollback.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/rollback.ts")).rollback(context, id, options)),
  );
}

function addDecisions(program: Command, run: Run): void {
  for (const verb of ["approve", "reject"] as const) {
    const command = program.command(verb).argument("[run]", RUN);
    command.description(
      verb === "approve"
        ? "approve the plan that a run waits with"
        : "refuse a run's plan; the run fails and undoes what it did",
    );
    command.option("--step <id>", "step that waits; the one that the run waits at when left out");
    withIdentity(command).option("--note <text>", "why", "");
    if (verb === "approve")
      command.option("--plan <hash>", "approve only this plan: its hash, or the beginning as it was shown");
    example(
      command,
      `tminus ${verb} --note "${verb === "approve" ? "looked at the canary" : "error rate is up"}"`,
    );
    command.action((id: string | undefined, options) =>
      run(async (context) => (await import("./commands/decide.ts")).decide(context, verb, id, options)),
    );
  }

  const ack = program.command("ack").argument("<item>", "id of what is attested").argument("[run]", RUN);
  ack
    .description("attest an item of a checklist, or what a sign-off asks for")
    .option("--step <id>", "step that asks, when two ask for such an item");
  withIdentity(ack).option("--note <text>", "what was seen", "").option("--attach <file>", ATTACH);
  example(
    ack,
    'tminus ack backup-restored --note "restored into scratch, counts agree"',
    "tminus ack load-test --attach report.pdf",
  );
  ack.action((item: string, id: string | undefined, options) =>
    run(async (context) => (await import("./commands/ack.ts")).ack(context, item, id, options)),
  );

  const hold = program.command("hold").argument("[run]", RUN).description("stop a run before its next step");
  withIdentity(hold).option("--note <text>", "why", "");
  example(hold, "tminus hold");
  hold.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/steer.ts")).steer(context, "hold", id, options)),
  );

  const resume = program
    .command("resume")
    .argument("[run]", RUN)
    .description("let a held run go on, or say what became of a step");
  resume.addOption(
    new Option(
      "--as <what>",
      "answer about the step that the run asks about; extend: a watch looks longer before you decide; promote: end a watch that goes on early and keep the release, with --note",
    ).choices(["done", "retry", "failed", "extend", "promote"] satisfies DecisionWord[]),
  );
  withIdentity(resume).option("--note <text>", "why", "");
  example(
    resume,
    "tminus resume",
    "tminus resume --as retry",
    'tminus resume --as extend --note "too few requests so far"',
    'tminus resume --as promote --note "the fix has to be everywhere before the sale opens"',
  );
  resume.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/resume.ts")).resume(context, id, options)),
  );

  const unlock = program
    .command("unlock")
    .argument("<environment>", "environment that was locked")
    .description("let deploys into an environment again that was locked after an automatic rollback");
  unlock.requiredOption("--reason <text>", "why it is safe to deploy again");
  withConfirmation(withIdentity(unlock));
  example(
    unlock,
    'tminus unlock staging --reason "the provider was down, not the release"',
    'tminus unlock production --reason "fixed in v4" --by ann --confirm=production',
  );
  unlock.action((environment: string, options) =>
    run(async (context) => (await import("./commands/unlock.ts")).unlock(context, environment, options)),
  );

  const override = program
    .command("override")
    .argument("[gate]", "id of the gate; all that are overridden are listed when left out")
    .description("let a gate pass that does not, for at most 8h, in the name of whoever answers for it");
  override
    .option("--for <duration>", "how long: 30m, 2h")
    .option("--reason <text>", "why it may pass")
    .option("--end", "have the gate pass again before that time is over");
  withConfirmation(withIdentity(override));
  example(
    override,
    'tminus override audit --env production --for 2h --reason "the registry is down; audited by hand" --by ann',
    "tminus override audit --env production --end",
    "tminus override",
  );
  override.action((gate: string | undefined, options) =>
    run(async (context) => (await import("./commands/override.ts")).override(context, gate, options)),
  );

  const tasks = program
    .command("tasks")
    .argument("[task]", "name of the one that is done, t3; all that are open are listed when left out")
    .description("what is still to be done after deploys; exits 4 when something is overdue");
  withIdentity(tasks).option("--note <text>", "what was done").option("--attach <file>", ATTACH);
  example(
    tasks,
    "tminus tasks --env production",
    'tminus tasks t3 --note "the tests ran, all green" --by ann',
  );
  tasks.action((name: string | undefined, options) =>
    run(async (context) => (await import("./commands/tasks.ts")).tasks(context, name, options)),
  );

  const mergeBack = program
    .command("merge-back")
    .description("propose the checked-out branch, as after a hotfix, for the branches that lack it");
  mergeBack
    .option(
      "--into <branch>",
      "branch; may be repeated; those of the environments when left out",
      collect,
      [],
    )
    .option("--dry-run", "only say which lack it");
  example(mergeBack, "tminus merge-back --env production", "tminus merge-back --into main --into dev");
  mergeBack.action((options) =>
    run(async (context) => (await import("./commands/merge-back.ts")).mergeBack(context, options)),
  );

  const abort = program
    .command("abort")
    .argument("[run]", RUN)
    .description("stop a run and undo what it did");
  withConfirmation(withIdentity(abort)).option("--note <text>", "why", "");
  example(abort, "tminus abort --env staging");
  abort.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/steer.ts")).steer(context, "abort", id, options)),
  );
}

function addHistory(program: Command, run: Run): void {
  const log = program.command("log").description("list runs, newest first");
  log
    .option(
      "--search <text>",
      "words that have to be the beginning of the id, or of a word of the release, the person, the environment, the purpose, the outcome or the reason",
      searchOf,
    )
    .addOption(new Option("--state <state>", "active: not ended").choices(["active", ...runStates]))
    .addOption(new Option("--outcome <outcome>", "how it ended").choices(runOutcomes))
    .option("--before <run>", "only runs that are older than this one, as the next page")
    .option("--limit <n>", "how many", countOf, 20)
    .option("--markdown", "print each run as a deploy log in Markdown");
  example(
    log,
    "tminus log --limit 5",
    "tminus log --search 'mia v2' --outcome rolled-back",
    "tminus log --env production --markdown",
  );
  log.action((options) => run(async (context) => (await import("./commands/log.ts")).log(context, options)));

  const show = program
    .command("show")
    .argument("[run]", RUN)
    .description("everything about one run: steps, reasons, evidence");
  show
    .option("--step <id>", "only this step, with its attempts")
    .option("--rule <name>", "a rule of a watch: its samples, its queries and how it is decided")
    .option("--evidence <sha>", "print a piece of evidence by its SHA-256; with -o write it into a file")
    .option("--markdown", "print the run as a deploy log in Markdown")
    .option(
      "-o, --output <path>",
      "write the deploy log with a chart of each rule into this folder, or as this .md file with the charts beside it; with --rule its chart alone, into this folder or as this .svg file",
    )
    .option("--force", "overwrite files that tminus did not write, or that were changed since", false);
  example(
    show,
    "tminus show r0a1b2c3",
    "tminus show --step migrate",
    "tminus show --rule errors",
    "tminus show r0a1b2c3 -o deploys/",
    "tminus show -o docs/deploy-v2.md",
    "tminus show --rule errors -o errors.svg",
    "tminus show --evidence 9f86d081…",
    "tminus show --evidence 9f86d081… -o report.pdf",
  );
  show.action((id: string | undefined, options) =>
    run(async (context) => (await import("./commands/show.ts")).show(context, id, options)),
  );

  const explain = program.command("explain").argument("[code]", "error code; all of them when left out");
  explain.description("long help for an error code, offline");
  example(explain, "tminus explain", "tminus explain PLAN_STALE");
  explain.action((code: string | undefined) =>
    run(async (context) => (await import("./commands/explain.ts")).explain(context, code)),
  );
}

function addInternal(program: Command, run: Run): void {
  const demo = program
    .command("demo")
    .description("play four releases of a real application under load, on this machine");
  demo.option("--keep", "leave the application and its database running at the end", false);
  example(demo, "tminus demo", "tminus demo --json");
  demo.action((options: { keep: boolean }) =>
    run(async (context) => (await import("./commands/demo.ts")).demo(context, options)),
  );

  const worker = program
    .command("worker", { hidden: true })
    .description("execute runs; started by tminus itself");
  worker
    .requiredOption("--state <folder>", "folder of the state")
    .option("--idle <duration>", "end after this long without work", durationOf);
  worker.action((options: { state: string; idle?: number }) =>
    run(async (context) => (await import("./commands/worker.ts")).worker(context, options)),
  );
}

/** Of the package that this file belongs to, from src/ as from dist/. */
function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
