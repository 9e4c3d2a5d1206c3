import { describe, expect, it } from "vitest";
import { shareOut } from "../../../src/postgres/backup/queue.ts";

describe("sharing work out", () => {
  it("throws what failed first, also when its worker takes long to close and another one comes late", async () => {
    const failure = new Error("the file is damaged");
    let closed: () => void = () => undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    let workers = 0;
    const sharing = shareOut(
      ["rows", "index"],
      2,
      undefined,
      async (_signal, takeAll) => {
        const isFirst = workers++ === 0;
        try {
          // The second one is there only when the first has failed.
          if (!isFirst) await new Promise((resolve) => setImmediate(resolve));
          await takeAll((item) => (item === "rows" ? Promise.reject(failure) : Promise.resolve()));
        } finally {
          if (isFirst) await isClosed;
          else closed();
        }
      },
      (item) => item === "rows",
    );
    await expect(sharing).rejects.toBe(failure);
  });
});
