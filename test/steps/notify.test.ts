import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { NotificationChannel, NotificationMessage } from "../../src/model/ports.ts";
import { notify } from "../../src/steps/notify.ts";
import { createFakeClock } from "../../src/testing/fake-clock.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { driveKilled } from "../../src/testing/kill-harness.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../src/testing/step-harness.ts";

const message = {
  channels: ["ops", "team"],
  title: "{release} to {environment}",
  text: "replaces {previous}",
};

/** Fails `failures` times, then delivers. */
function channel(
  id: string,
  failures = 0,
): NotificationChannel & { got: NotificationMessage[]; tries: number } {
  const made = {
    id,
    kind: "memory",
    got: [] as NotificationMessage[],
    tries: 0,
    send: async (sent: NotificationMessage) => {
      if (made.tries++ < failures) throw new Error(`${id} is down, token hunter22`);
      made.got.push(sent);
    },
  };
  return made;
}

function open(channels: NotificationChannel[], settings: JsonObject = message) {
  const world = createFakeStepWorld({
    clock: createFakeClock({ autoAdvance: true }),
    channels: Object.fromEntries(channels.map((one) => [one.id, one])),
    secrets: { "env:TOKEN": "hunter22" },
  });
  return { world, ...world.open(notify.schema.parse(settings) as JsonObject, null) };
}

const stepCase: StepCase = {
  kind: notify,
  with: message,
  open: () => {
    const channels = [channel("ops"), channel("team")];
    const { world } = open(channels);
    // One message to both channels is one effect; a repeat with the same key is the same message.
    const keys = (): number => new Set(channels.flatMap(({ got }) => got.map(({ key }) => key))).size;
    return { world, effects: () => keys() / 2 };
  },
};

it("keeps the contract of a step kind", async () => {
  await driveStep(stepCase);
});

it("delivers every message under one key wherever it is interrupted", async () => {
  expect(await driveInterrupted(stepCase)).toMatchObject({ act: 10, parked: 0 });
});

it("repeats a delivery under its old key, and none that is on record, when killed with SIGKILL", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tminus-notify-"));
  try {
    const module = fileURLToPath(new URL("../fixtures/step-cases/killed-notify.ts", import.meta.url));
    const report = await driveKilled({
      module,
      directory,
      points: ["notify.before-send", "notify.after-send"],
    });
    expect(report.outcome).toBe("done");
    expect(report.kills).toHaveLength(4);
    const key = "key-of-run-and-step";
    const deliveries = readFileSync(join(directory, "deliveries"), "utf8").trim().split("\n");
    expect(deliveries).toEqual([`${key}:ops`, `${key}:ops`, `${key}:team`, `${key}:team`]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it("fills in the placeholders and gives each channel its own key", async () => {
  const ops = channel("ops");
  const team = channel("team");
  await notify.act(open([ops, team]).context);
  expect(ops.got).toEqual([
    {
      key: "key-of-run-and-step:ops",
      title: "v2 to production",
      text: "replaces v1",
      facts: expect.objectContaining({
        release: "v2",
        environment: "production",
        previous: "v1",
        run: "run",
      }) as unknown,
    },
  ]);
  expect(team.got[0]!.key).toBe("key-of-run-and-step:team");
});

it("tries a channel three times", async () => {
  const ops = channel("ops", 2);
  const team = channel("team");
  expect(await notify.act(open([ops, team]).context)).toMatchObject({
    outcome: "done",
    reason: "told ops, team",
  });
  expect(ops.tries).toBe(3);
});

it("goes on without a channel that cannot be reached, and names it", async () => {
  const ops = channel("ops", 99);
  const team = channel("team");
  const { context } = open([ops, team]);
  const reason = "told team; not delivered: ops (ops is down, token ***)";
  expect(await notify.act(context)).toMatchObject({ outcome: "done", reason });
  expect(ops.tries).toBe(3);
  expect(await notify.observe(context)).toMatchObject({ state: "done", reason });
});

it("fails when the message is required, and delivers only the rest the next time", async () => {
  const ops = channel("ops", 3);
  const team = channel("team");
  const { context } = open([ops, team], { ...message, required: true });
  expect(await notify.act(context)).toMatchObject({ outcome: "failed" });
  expect(await notify.observe(context)).toMatchObject({ state: "absent", reason: "not delivered yet: ops" });
  expect(await notify.act(context)).toMatchObject({ outcome: "done", reason: "told team, ops" });
  expect(team.got).toHaveLength(1);
});

it("reports a channel that does not exist as not delivered", async () => {
  const { context } = open([channel("ops")]);
  expect((await notify.act(context)).reason).toBe("told ops; not delivered: team (there is no such channel)");
});

it("stops trying when the step is aborted", async () => {
  const ops = channel("ops");
  const opened = open([ops]);
  ops.send = async () => {
    opened.abort(new Error("aborted"));
    throw new Error("closed");
  };
  await expect(notify.act(opened.context)).rejects.toThrow("aborted");
});
