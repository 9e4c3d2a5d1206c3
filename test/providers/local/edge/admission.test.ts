import { afterEach, describe, expect, it } from "vitest";
import type { EdgeMode } from "../../../../src/providers/local/edge/document.ts";
import { ask, documentOf, Rig, routeTo, until } from "../rig.ts";
import { openProxied, openRaw } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

async function openInMode(mode: EdgeMode, holdMs = 10_000) {
  const proxied = await openProxied(rig, (req, res) => {
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString()));
    req.on("end", () => res.end(`${req.method} ${body}`));
  });
  let generation = 1;
  const set = (next: EdgeMode): void => {
    generation += 1;
    proxied.edge.apply(documentOf(generation, [routeTo("v1", proxied.appPort, 100)], { mode: next, holdMs }));
  };
  set(mode);
  return { ...proxied, set };
}

const pin = { "x-tminus-release": "v1", "x-tminus-pin": "pin-token" };

describe("the modes of the edge", () => {
  it("readonly lets GET, HEAD and OPTIONS pass and refuses everything else, pinned or not", async () => {
    const { port } = await openInMode("readonly");
    for (const method of ["GET", "HEAD", "OPTIONS"])
      expect((await ask(port, "/", { method })).status).toBe(200);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await ask(port, "/", { method, headers: pin });
      expect(answer).toMatchObject({
        status: 503,
        headers: { "retry-after": "30", "cache-control": "no-store" },
      });
    }
  });

  it("maintenance shows a page to the public and lets pinned requests pass", async () => {
    const { port } = await openInMode("maintenance");
    const page = await ask(port, "/any");
    expect(page).toMatchObject({ status: 503, headers: { "retry-after": "30" } });
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.body).toContain("Down for maintenance");
    expect((await ask(port, "/", { headers: pin })).status).toBe(200);
    expect((await ask(port, "/", { headers: { ...pin, "x-tminus-pin": "guess" } })).status).toBe(503);
  });

  it("pause holds requests and lets them go on, bodies and all, as soon as the mode changes", async () => {
    const { port, edge, set } = await openInMode("pause");
    const held = [ask(port, "/"), ask(port, "/", { method: "POST", body: "kept" })];
    await until(() => edge.admission.heldCount === 2);
    set("normal");
    expect((await Promise.all(held)).map((answer) => answer.body)).toEqual(["GET ", "POST kept"]);
  });

  it("pause answers 503 after its limit", async () => {
    const { port, edge } = await openInMode("pause", 1);
    expect(await ask(port, "/")).toMatchObject({ status: 503, headers: { "retry-after": "30" } });
    expect(edge.admission.heldCount).toBe(0);
  });

  it("pause forgets a client that goes away", async () => {
    const { port, edge, set } = await openInMode("pause");
    const raw = openRaw(rig, port);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => edge.admission.heldCount === 1);
    raw.destroy();
    await until(() => edge.admission.heldCount === 0);
    set("normal");
    expect(edge.metrics.of("v1").requests).toBe(0);
  });

  it("a held request obeys the mode that comes next", async () => {
    const { port, edge, set } = await openInMode("pause");
    const held = ask(port, "/", { method: "POST" });
    await until(() => edge.admission.heldCount === 1);
    set("readonly");
    expect((await held).status).toBe(503);
  });
});
