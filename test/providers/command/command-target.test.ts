import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TminusError } from "../../../src/errors.ts";
import { eventually } from "../../support/processes.ts";
import { all, CommandRig, SECRET, stageOptions } from "./rig.ts";

let rig: CommandRig;
beforeEach(() => {
  rig = new CommandRig();
});
afterEach(() => rig.close());

const { fence, signal } = stageOptions();

describe("staging", () => {
  it("deploys once per key, and what is live is what status says", async () => {
    const target = rig.open();
    expect(await target.traffic()).toEqual({ state: "absent" });
    const staged = await target.stage("k1", "v1", stageOptions());
    expect(staged).toMatchObject({ release: "v1" });
    expect(await target.stage("k1", "v1", stageOptions())).toEqual(staged);
    expect(rig.calls()).toEqual(["deploy v1"]);
    expect(await target.findStaged("k1")).toEqual({ state: "present", value: staged });
    expect(await target.traffic()).toEqual({ state: "present", value: { generation: 1, routes: all("v1") } });
    rig.write("live", "v0\n");
    expect(await target.findStaged("k1")).toEqual({ state: "absent" });
    expect(await target.traffic()).toMatchObject({ value: { routes: all("v0") } });
  });

  it("runs the command for a new key although the release is live already", async () => {
    const target = rig.open();
    await target.stage("k1", "v1", stageOptions());
    await target.stage("k2", "v1", stageOptions());
    expect(rig.calls()).toEqual(["deploy v1", "deploy v1"]);
  });

  it("gives commands the variables, the release, the key and the fence, and nothing else of its own", async () => {
    process.env.TMINUS_TEST_OWN_SECRET = "not for commands";
    try {
      await rig.open().stage("k1", "v1", stageOptions({}, 4));
    } finally {
      delete process.env.TMINUS_TEST_OWN_SECRET;
    }
    expect(rig.callLines()).toEqual(["deploy v1 key=k1 fence=4"]);
    const seen = rig.environmentOf("deploy");
    expect(seen).toMatchObject({ TOKEN: SECRET, TMINUS_RELEASE: "v1", TMINUS_ENVIRONMENT: "test" });
    expect(seen).not.toHaveProperty("TMINUS_TEST_OWN_SECRET");
  });

  it("fails with the redacted last lines when the command ends with another code, and may be repeated", async () => {
    const target = rig.open();
    rig.write("fail-v2", "7");
    const failed = target.stage("k2", "v2", stageOptions());
    await expect(failed).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
      message: "the deploy of v2 ended with exit code 7\nchanging to v2 with ***",
    });
    expect(await target.findStaged("k2")).toEqual({ state: "absent" });
    rig.remove("fail-v2");
    await target.stage("k2", "v2", stageOptions());
    expect(rig.calls()).toEqual(["deploy v2", "deploy v2"]);
  });

  it("does not know what to make of a deploy that failed but is live", async () => {
    const target = rig.open();
    rig.write("fail-v2", "7");
    await expect(target.stage("k2", "v2", stageOptions())).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
    });
    rig.write("live", "v2\n");
    expect(await target.findStaged("k2")).toMatchObject({ state: "unknown" });
  });

  it("fails when the command ends well but another release stays live", async () => {
    const target = rig.open({ statusTimeout: "300ms" });
    rig.write("live", "v1\n");
    rig.write("idle", "");
    const failed = target.stage("k2", "v2", stageOptions());
    await expect(failed).rejects.toMatchObject({ code: "TARGET_UNHEALTHY", details: { live: "v1" } });
    expect(await target.findStaged("k2")).toEqual({ state: "absent" });
  });

  it("waits until a release that shows late is live", async () => {
    const target = rig.open();
    rig.write("live", "v1\n");
    rig.write(
      "status",
      'n=$(cat asked 2>/dev/null || echo 0); echo $((n + 1)) >asked; [ "$n" -lt 3 ] && echo v1 || echo v2\n',
    );
    await target.stage("k2", "v2", stageOptions());
    expect(rig.calls()).toEqual(["deploy v2"]);
  });

  it("changes nothing while status cannot say what is live", async () => {
    const target = rig.open({ statusTimeout: "300ms" });
    rig.write("status", "exit 9\n");
    await expect(target.stage("k1", "v1", stageOptions())).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
    });
    await expect(target.shift(all("v1"), fence, signal)).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
    });
    expect(rig.calls()).toEqual([]);
    expect(await target.traffic()).toMatchObject({ state: "unknown" });
    expect(await target.findStaged("k1")).toEqual({ state: "absent" });
  });

  it("does not know, after its command ended well, when status falls silent, and adopts once it speaks", async () => {
    const target = rig.open({ statusTimeout: "300ms" });
    rig.write("status", "[ -e live ] && exit 9; exit 3\n");
    await expect(target.stage("k1", "v1", stageOptions())).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
    });
    expect(await target.findStaged("k1")).toMatchObject({ state: "unknown" });
    rig.remove("status");
    expect(await target.findStaged("k1")).toMatchObject({ state: "present" });
    await target.stage("k1", "v1", stageOptions());
    expect(rig.calls()).toEqual(["deploy v1"]);
  });

  it("adopts what another call with the same key is doing, as a success and as a failure", async () => {
    rig.write("hang", "");
    const both = (key: string, release: string) => {
      const first = rig.open().stage(key, release, stageOptions());
      const second = rig.open().stage(key, release, stageOptions());
      return Promise.allSettled([first, second]);
    };
    const good = both("k1", "v1");
    await eventually("the command runs", () => rig.calls().length === 1);
    rig.remove("hang");
    expect((await good).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    expect(rig.calls()).toEqual(["deploy v1"]);

    rig.write("fail-v2", "1");
    rig.write("hang", "");
    const bad = both("k2", "v2");
    await eventually("the second command runs", () => rig.calls().length === 2);
    rig.remove("hang");
    expect((await bad).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(rig.calls()).toEqual(["deploy v1", "deploy v2"]);
  });

  it("does not deploy again by what it saw before another call with the same key was through", async () => {
    // The first question takes until the other call has deployed.
    rig.write(
      "status",
      "[ -e asked ] || { : >asked; while [ ! -e live ]; do sleep 0.02; done; exit 3; }\n[ -e live ] || exit 3\ncat live\n",
    );
    const slow = rig.open().stage("k1", "v1", stageOptions());
    await eventually("it has asked", () => rig.has("asked"));
    await rig.open().stage("k1", "v1", stageOptions());
    await slow;
    expect(rig.calls()).toEqual(["deploy v1"]);
  });

  it("ends a command that takes too long, with everything that it started", async () => {
    rig.write("hang", "");
    const slow = rig.open({ timeout: "300ms" }).stage("k1", "v1", stageOptions());
    await expect(slow).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
      message: expect.stringContaining("took longer than 300ms") as unknown,
    });
    expect(rig.running()).toBe(0);
    expect(rig.live()).toBeUndefined();
  });

  it("ends the command when it is aborted, and can then be repeated", async () => {
    rig.write("hang", "");
    const stopping = new AbortController();
    const target = rig.open();
    const aborted = target.stage("k1", "v1", stageOptions({ signal: stopping.signal }));
    await eventually("the command runs", () => rig.calls().length === 1);
    stopping.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    expect(rig.running()).toBe(0);
    expect(await target.findStaged("k1")).toEqual({ state: "absent" });
    rig.remove("hang");
    await target.stage("k1", "v1", stageOptions());
    expect(rig.live()).toBe("v1");
  });

  it("leaves the command to whoever took the run over, who waits for it", async () => {
    rig.write("hang", "");
    const lost = new AbortController();
    const old = rig.open().stage("k1", "v1", stageOptions({ signal: lost.signal }));
    await eventually("the command runs", () => rig.calls().length === 1);
    lost.abort(new TminusError("LEASE_LOST", "taken over"));
    await expect(old).rejects.toMatchObject({ code: "LEASE_LOST" });
    const next = rig.open();
    const found = next.findStaged("k1");
    const adopted = next.stage("k1", "v1", stageOptions({}, 2));
    rig.remove("hang");
    expect(await found).toMatchObject({ state: "present" });
    await adopted;
    expect(rig.calls()).toEqual(["deploy v1"]);
  });
});

describe("going back", () => {
  it("runs the rollback command for another release, and nothing for the one that is live", async () => {
    const target = rig.open();
    await target.stage("k1", "v1", stageOptions());
    await target.stage("k2", "v2", stageOptions());
    expect(await target.shift(all("v2"), fence, signal)).toEqual({ generation: 2, routes: all("v2") });
    expect(await target.shift(all("v1"), fence, signal)).toEqual({ generation: 3, routes: all("v1") });
    await target.shift([...all("v1"), { release: "v2", percent: 0 }], fence, signal);
    expect(rig.calls()).toEqual(["deploy v1", "deploy v2", "rollback v1"]);
    expect(await target.findStaged("k2")).toEqual({ state: "absent" });
  });

  it("deploys the earlier release where there is no rollback command, with the environment's variables", async () => {
    const target = rig.open({ rollback: undefined }, () => ({ TOKEN: "from the environment" }));
    rig.write("live", "v2\n");
    await target.shift(all("v1"), fence, signal);
    expect(rig.callLines()).toEqual(["deploy v1 key= fence=1"]);
    expect(rig.environmentOf("deploy").TOKEN).toBe("from the environment");
  });

  it.each([
    [
      [
        { release: "v1", percent: 50 },
        { release: "v2", percent: 50 },
      ],
    ],
    [[{ release: "v1", percent: 99 }]],
    [[]],
  ])("refuses shares that are not all for one release: %j", async (routes) => {
    rig.write("live", "v2\n");
    await expect(rig.open().shift(routes, fence, signal)).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    expect(rig.calls()).toEqual([]);
  });

  it("fails when the rollback command fails", async () => {
    rig.write("live", "v2\n");
    rig.write("fail-v1", "5");
    const failed = rig.open().shift(all("v1"), fence, signal);
    await expect(failed).rejects.toMatchObject({ code: "TARGET_UNHEALTHY", details: { exitCode: 5 } });
  });

  it("forgets what was staged, and ends it when it is still under way", async () => {
    const target = rig.open();
    await target.stage("k1", "v1", stageOptions());
    await target.unstage("k1", stageOptions());
    await target.unstage("k1", stageOptions());
    expect(await target.findStaged("k1")).toEqual({ state: "absent" });
    expect(rig.live()).toBe("v1");

    rig.write("hang", "");
    const staging = target.stage("k2", "v2", stageOptions());
    const ended = expect(staging).rejects.toMatchObject({ code: "TARGET_UNHEALTHY" });
    await eventually("the command runs", () => rig.calls().length === 2);
    await rig.open().unstage("k2", stageOptions());
    expect(rig.running()).toBe(0);
    await ended;
  });

  it("shows a release that comes late before it is decided whether to go back from it", async () => {
    const target = rig.open();
    rig.write("live", "v1\n");
    rig.write("idle", "");
    const stopping = new AbortController();
    const staging = target.stage("k2", "v2", stageOptions({ signal: stopping.signal }));
    const stopped = expect(staging).rejects.toThrow();
    await eventually("the command has ended", () => rig.calls().length === 1 && rig.running() === 0);
    await eventually("its end is recorded", async () => rig.recordText().includes('"expected":"v2"'));
    stopping.abort(new Error("enough"));
    await stopped;
    const seen = target.traffic();
    rig.write("live", "v2\n");
    expect(await seen).toMatchObject({ state: "present", value: { routes: all("v2") } });
  });
});

describe("an older fencing token", () => {
  it("is refused by everything that changes, also by another process's target", async () => {
    await rig.open().stage("k1", "v1", stageOptions({}, 5));
    const target = rig.open();
    const old = stageOptions({}, 4);
    const conflict = { code: "TARGET_CONFLICT" };
    await expect(target.stage("k2", "v2", old)).rejects.toMatchObject(conflict);
    await expect(target.stage("k1", "v1", old)).rejects.toMatchObject(conflict);
    await expect(target.unstage("k1", old)).rejects.toMatchObject(conflict);
    await expect(target.shift(all("v0"), old.fence, signal)).rejects.toMatchObject(conflict);
    await expect(target.retire([], old)).rejects.toMatchObject(conflict);
    expect(rig.calls()).toEqual(["deploy v1"]);
    await target.stage("k2", "v2", stageOptions({}, 6));
  });
});

describe("retiring", () => {
  const retire = ["./change.sh", "retire", "{release}"];

  it("runs the command for every release that it deployed, is not live and not to be kept", async () => {
    const target = rig.open({ retire });
    for (const release of ["v1", "v2", "v3"]) await target.stage(`k-${release}`, release, stageOptions());
    expect(await target.retire(["v2"], stageOptions())).toEqual(["v1"]);
    expect(await target.retire(["v2"], stageOptions())).toEqual([]);
    expect(rig.calls().slice(3)).toEqual(["retire v1"]);
  });

  it("does nothing without a command, and fails when the command does", async () => {
    await rig.open().stage("k1", "v1", stageOptions());
    await rig.open().stage("k2", "v2", stageOptions());
    expect(await rig.open().retire([], stageOptions())).toEqual([]);
    rig.write("fail-v1", "2");
    await expect(rig.open({ retire }).retire([], stageOptions())).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
    });
  });
});

describe("checking before a plan", () => {
  it("passes when the programs are there and status answers, and runs nothing else", async () => {
    rig.write("live", "v1\n");
    expect(await rig.open().precheck("v2")).toMatchObject({ verdict: "pass" });
    expect(rig.calls()).toEqual([]);
  });

  it.each([
    [{ deploy: ["no-such-program-anywhere"] }, "no-such-program-anywhere was not found"],
    [{ rollback: ["./missing.sh"] }, "./missing.sh does not exist"],
    [{ retire: ["../outside.sh"] }, "../outside.sh"],
    [{ deploy: ["/no/such/file"] }, "/no/such/file is not an executable file"],
    [{ files: ["dist/{release}"] }, "dist/v2 cannot be read"],
  ])("fails for %j", async (extra, reason) => {
    const verdict = await rig.open(extra).precheck("v2");
    expect(verdict.verdict).toBe("fail");
    expect(verdict.reason).toContain(reason);
  });

  it("fails for a name that would lead elsewhere, and does not know while status does not", async () => {
    expect(await rig.open().precheck("../v2")).toMatchObject({ verdict: "fail" });
    await expect(rig.open().stage("k", "--help", stageOptions())).rejects.toMatchObject({
      code: "TARGET_CONFLICT",
    });
    rig.write("status", "exit 4\n");
    expect(await rig.open().precheck("v2")).toMatchObject({ verdict: "unknown" });
  });

  it("has a fingerprint that follows the files, and is the release's name where it knows none", async () => {
    rig.write("dist", "one");
    const target = rig.open({ files: ["dist"] });
    const first = await target.fingerprint("v2");
    expect(await target.fingerprint("v2")).toBe(first);
    expect(await rig.open({ files: ["dist"], rollback: undefined }).fingerprint("v2")).toBe(first);
    expect(await rig.open({}).fingerprint("v2")).toBe("v2");
    rig.write("dist", "two");
    expect(await target.fingerprint("v2")).not.toBe(first);
  });
});

describe("looking for a release", () => {
  it("finds the live one where it has an address, and says what is missing where it has none", async () => {
    rig.write("live", "v1\n");
    const url = "http://127.0.0.1:9";
    expect(await rig.open({ url }).findRelease("v1")).toMatchObject({ state: "present", value: { url } });
    expect(await rig.open({ url }).findRelease("v2")).toEqual({ state: "absent" });
    expect(await rig.open().findRelease("v1")).toMatchObject({ state: "unknown" });
  });
});

describe("a record that cannot be read", () => {
  it("stops every change, and nothing is known", async () => {
    const target = rig.open();
    await target.stage("k1", "v1", stageOptions());
    rig.damageRecord();
    await expect(target.stage("k2", "v2", stageOptions())).rejects.toMatchObject({
      code: "TARGET_UNREACHABLE",
    });
    expect(await target.traffic()).toMatchObject({ state: "unknown" });
    expect(await target.findStaged("k1")).toMatchObject({ state: "unknown" });
    expect(rig.calls()).toEqual(["deploy v1"]);
  });
});
