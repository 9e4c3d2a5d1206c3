import { afterEach, describe, expect, it } from "vitest";
import { ask, documentOf, Rig, routeTo } from "../rig.ts";
import { openApp, openEdge } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("the bucket cookie", () => {
  it("gives a client a bucket while traffic is split, and keeps it where its bucket is", async () => {
    const v1 = await openApp(rig, (_req, res) => void res.end("v1"));
    const v2 = await openApp(rig, (_req, res) => void res.end("v2"));
    const split = (percent: number) => [
      routeTo("v2", v2.port, percent),
      routeTo("v1", v1.port, 100 - percent),
    ];
    const { port, edge } = await openEdge(rig, documentOf(1, split(50)));
    const first = await ask(port, "/");
    const cookie = String(first.headers["set-cookie"]);
    expect(cookie).toMatch(/^tminus-bucket=\d{1,4}; Path=\/; HttpOnly; SameSite=Lax$/);
    const headers = { cookie: `theme=dark; ${cookie.split(";")[0]}` };
    for (let turn = 0; turn < 5; turn++) {
      const again = await ask(port, "/", { headers });
      expect(again.body).toBe(first.body);
      expect(again.headers["set-cookie"]).toBeUndefined();
    }
    edge.apply(documentOf(2, split(0)));
    expect((await ask(port, "/")).headers["set-cookie"]).toBeUndefined();
  });

  it("reads the bucket from the cookie and from nothing that looks like it", async () => {
    const v1 = await openApp(rig, (_req, res) => void res.end("v1"));
    const v2 = await openApp(rig, (_req, res) => void res.end("v2"));
    const { port } = await openEdge(
      rig,
      documentOf(1, [routeTo("v2", v2.port, 5), routeTo("v1", v1.port, 95)]),
    );
    const body = async (cookie: string) => (await ask(port, "/", { headers: { cookie } })).body;
    expect(await body("tminus-bucket=499")).toBe("v2");
    expect(await body("tminus-bucket=500")).toBe("v1");
    expect(await body("not-tminus-bucket=1; tminus-bucket=500")).toBe("v1");
    for (const bad of ["tminus-bucket=", "tminus-bucket=99999", "tminus-bucket=-1", "x-tminus-bucket=1"]) {
      expect((await ask(port, "/", { headers: { cookie: bad } })).headers["set-cookie"]).toHaveLength(1);
    }
  });
});
