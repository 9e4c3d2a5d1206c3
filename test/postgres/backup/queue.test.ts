import { describe, expect, it } from "vitest";
import { shareOut } from "../../../src/postgres/backup/queue.ts";

describe("sharing work out", () => {
  it("gives each item to one worker, and one that is not ready only when another has made it so", async () => {
    const done: string[] = [];
    let isLoaded = false;
    await shareOut(
      ["index", "load", "other"],
      3,
      undefined,
      (_signal, takeAll) =>
        takeAll(async (item) => {
          await Promise.resolve();
          if (item === "load") isLoaded = true;
          done.push(item);
        }),
      (item) => item !== "index" || isLoaded,
    );
    expect(done.toSorted()).toEqual(["index", "load", "other"]);
    expect(done.indexOf("index")).toBeGreaterThan(done.indexOf("load"));
  });

  it("fails with the first failure, also when another worker waits for what will not come", async () => {
    const sharing = shareOut(
      ["load", "index"],
      2,
      undefined,
      (_signal, takeAll) =>
        takeAll(async () => {
          await Promise.resolve();
          throw new Error("the disk is full");
        }),
      (item) => item !== "index",
    );
    await expect(sharing).rejects.toThrow("the disk is full");
  });

  it("fails instead of waiting for an item that nothing makes ready", async () => {
    const sharing = shareOut(
      ["never"],
      2,
      undefined,
      (_signal, takeAll) => takeAll(() => Promise.resolve()),
      () => false,
    );
    await expect(sharing).rejects.toThrow("none of the items that are left is ready");
  });
});
