import * as z from "zod";
import { durationSchema, idSchema, publicUrlSchema, type IssueParams } from "../../model/runbook.ts";
import { jsonPathProblem } from "../../lib/json-path.ts";
import { capturesUsedBy, selectChecks } from "./select.ts";
import { isKnownName, namesIn } from "./template.ts";

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: "is not a header name" });

const jsonPathSchema = z.string().superRefine((path, context) => {
  const problem = jsonPathProblem(path);
  if (problem !== undefined)
    context.addIssue({
      code: "custom",
      message: `is not a JSONPath that can be used: ${problem}`,
      params: { hint: "write it like $.status; for a pattern use matches with *" } satisfies IssueParams,
    });
});

const jsonExpectationSchema = z
  .strictObject({
    path: jsonPathSchema.describe("JSONPath (RFC 9535) into the answer: $.status"),
    equals: z.json().optional().describe("Every value found must equal this, and one must be found"),
    matches: z
      .string()
      .max(1000)
      .optional()
      .describe("Every text found must fit this; * stands for anything"),
    exists: z.boolean().optional().describe("Whether anything must be found there, or nothing"),
  })
  .refine(
    ({ equals, matches, exists }) => equals !== undefined || matches !== undefined || exists !== undefined,
    {
      error: "needs equals, matches or exists",
    },
  );

const expectSchema = z.strictObject({
  status: z
    .union([z.int().min(100).max(599), z.array(z.int().min(100).max(599)).min(1).max(20)])
    .default(200)
    .describe("The status, or any of a list"),
  json: z.array(jsonExpectationSchema).max(50).default([]).describe("What the JSON in the answer must be"),
  text: z
    .union([z.string().min(1).max(1000), z.array(z.string().min(1).max(1000)).max(50)])
    .optional()
    .describe("Text that the answer must contain; all of a list"),
  headers: z
    .record(headerName, z.string().max(1000))
    .default({})
    .describe("Header → its value; * stands for anything"),
  maxLatency: durationSchema.optional().describe("A right answer that took longer is a failure"),
});

const captureSchema = z.string().superRefine((source, context) => {
  if (source.startsWith("header:")) {
    if (headerName.safeParse(source.slice(7)).success) return;
    return context.addIssue({ code: "custom", message: "is not a header name after header:" });
  }
  const problem = jsonPathProblem(source);
  if (problem !== undefined)
    context.addIssue({ code: "custom", message: `must be header:<name> or a JSONPath: ${problem}` });
});

const checkSchema = z.strictObject({
  id: idSchema.describe("Name of the check, unique in the step"),
  title: z.string().min(1).max(200).optional().describe("What people see; the id when left out"),
  tags: z.array(z.string().min(1).max(50)).max(20).default([]).describe("For choosing checks: P0, auth"),
  method: z
    .enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    .default("GET")
    .describe("HTTP method"),
  path: z.string().startsWith("/").max(2000).describe("Path and query below the base URL"),
  headers: z.record(headerName, z.string().max(8000)).default({}).describe("Headers of the request"),
  body: z
    .union([
      z.strictObject({ json: z.json().describe("Sent as JSON") }),
      z.strictObject({ text: z.string().max(100_000).describe("Sent as it is") }),
    ])
    .optional()
    .describe("Body of the request"),
  expect: expectSchema.prefault({}).describe("What the answer must be"),
  capture: z
    .record(idSchema, captureSchema)
    .default({})
    .describe(
      "Name → where its value is in the answer: $.token or header:x-request-id. Used as ${capture.name}, always redacted",
    ),
  redirect: z
    .enum(["manual", "follow"])
    .default("manual")
    .describe("Whether redirects are followed, to the same host alone, or judged"),
  timeout: durationSchema.default("10s").describe("How long one answer may take before it counts as none"),
  retry: z
    .strictObject({
      deadline: durationSchema.describe("How long a failing check is tried again"),
      every: durationSchema.default("500ms").describe("Pause between two tries"),
    })
    .optional()
    .describe("Tries a failing check again; a pass after that is reported as such"),
  needs: z
    .array(idSchema)
    .max(50)
    .default([])
    .describe("Earlier checks without whose success this one is not run"),
});

const checksFields = {
  checks: z.array(checkSchema).min(1).max(500).describe("Checks, run in this order"),
  tags: z
    .array(z.string().min(1))
    .max(20)
    .default([])
    .describe("Only checks with any of these tags, and what they need"),
  grep: z
    .string()
    .min(1)
    .optional()
    .describe("Only checks with this tag, or with this text in id or title, and what they need"),
  deadline: durationSchema.default("60s").describe("For all checks together"),
};

/** Checks and which of them are meant, without where they are asked. */
export const checksSchema = z.strictObject(checksFields).superRefine((settings, context) => {
  for (const { path, message } of mistakesIn(settings)) context.addIssue({ code: "custom", path, message });
});

export const smokeSchema = z
  .strictObject({
    baseUrl: publicUrlSchema.optional().describe("Where to ask; the environment's URL when left out"),
    through: z
      .enum(["public", "staged"])
      .default("public")
      .describe("public: as visitors do. staged: the new release alone, also before it has traffic"),
    ...checksFields,
  })
  .superRefine((settings, context) => {
    for (const { path, message } of mistakesIn(settings)) context.addIssue({ code: "custom", path, message });
    if (settings.through === "staged" && settings.baseUrl !== undefined) {
      const message = "cannot be given with through: staged, which has its own address";
      context.addIssue({ code: "custom", path: ["baseUrl"], message });
    }
  });

export type ChecksSettings = z.output<typeof checksSchema>;
export type SmokeSettings = z.output<typeof smokeSchema>;
export type Check = z.output<typeof checkSchema>;

interface Mistake {
  path: (string | number)[];
  message: string;
}

/** What a field cannot know by itself. */
function mistakesIn(settings: ChecksSettings): Mistake[] {
  const mistakes: Mistake[] = [];
  const earlier = new Set<string>();
  const captured = new Set<string>();
  for (const [index, check] of settings.checks.entries()) {
    const at = (path: (string | number)[], message: string): void =>
      void mistakes.push({ path: ["checks", index, ...path], message });
    if (earlier.has(check.id)) at(["id"], `"${check.id}" is the id of an earlier check`);
    for (const [place, id] of check.needs.entries()) {
      if (!earlier.has(id)) at(["needs", place], `there is no earlier check "${id}"`);
    }
    for (const name of capturesUsedBy(check)) {
      if (!captured.has(name)) at(["path"], `no earlier check captures "${name}"`);
    }
    for (const name of namesIn([check.path, check.headers, check.body ?? null]).filter(
      (name) => !isKnownName(name),
    )) {
      at(["path"], `\${${name}} is not known; use \${capture.<name>}, \${variable.<NAME>} or \${random}`);
    }
    for (const name of Object.keys(check.capture)) {
      if (captured.has(name)) at(["capture", name], "is captured by an earlier check");
      captured.add(name);
    }
    earlier.add(check.id);
  }
  if (mistakes.length === 0 && selectChecks(settings).length === 0) {
    mistakes.push({
      path: [settings.grep === undefined ? "tags" : "grep"],
      message: "chooses no check at all",
    });
  }
  return mistakes;
}
