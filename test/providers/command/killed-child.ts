// What a worker does for one deploy with a command target and its rollback; it may be killed at any crash point.
import { systemClock } from "../../../src/lib/clock.ts";
import { commandTargetSchema, createCommandTarget } from "../../../src/providers/command/index.ts";

const [phase, folder, stateDirectory] = process.argv.slice(2);
const target = createCommandTarget({
  environment: "test",
  config: commandTargetSchema.parse({
    kind: "command",
    deploy: ["./change.sh", "deploy", "{release}", folder],
    rollback: ["./change.sh", "rollback", "{release}", folder],
    retire: ["./change.sh", "retire", "{release}", folder],
    status: ["./status.sh"],
  }),
  stateDirectory: stateDirectory!,
  projectDirectory: folder!,
  clock: systemClock,
  redact: (text) => text,
  variables: () => ({}),
});
const { signal } = new AbortController();
const fence = { environment: "test", token: 1 };
const options = { fence, signal, variables: {}, progress: () => undefined };

if (phase === "deploy") {
  const found = await target.findStaged("key-v2");
  if (found.state === "unknown") throw new Error(found.reason);
  if (found.state === "absent") await target.stage("key-v2", "v2", options);
} else {
  await target.shift([{ release: "v1", percent: 100 }], fence, signal);
  await target.unstage("key-v2", options);
  await target.retire(["v1"], options);
}
