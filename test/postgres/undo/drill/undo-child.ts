import { readFileSync } from "node:fs";
import { undoStep, type Acted } from "./place.ts";

// A program: undoes the step that the file on its command line describes, and prints the result.
const { place, input } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  place: { url: string; directory: string };
  input: Acted["undoInput"];
};
process.stdout.write(`${JSON.stringify(await undoStep(place, input))}\n`);
