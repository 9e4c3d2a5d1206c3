import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { loadDocument, saveDocument } from "../../../../src/providers/local/edge/document-file.ts";
import { emptyDocument } from "../../../../src/providers/local/edge/document.ts";
import { documentOf, Rig, routeTo } from "../rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("the document file", () => {
  it("gives back what was saved last, and leaves no other file", async () => {
    const folder = await rig.folder();
    const file = join(folder, "edge.json");
    expect(await loadDocument(file)).toEqual(emptyDocument);
    await saveDocument(file, documentOf(1, []));
    const last = documentOf(2, [routeTo("v1", 1, 100)]);
    await saveDocument(file, last);
    expect(await loadDocument(file)).toEqual(last);
    expect(await readdir(folder)).toEqual(["edge.json"]);
  });

  it("refuses a file that is not a document instead of serving nothing", async () => {
    const file = join(await rig.folder(), "edge.json");
    await writeFile(file, '{"generation": 1');
    await expect(loadDocument(file)).rejects.toThrow("JSON");
  });
});
