import { TminusError } from "../../errors.ts";
import { attachmentSchema, MAX_ATTACHMENT_BYTES } from "../../model/evidence.ts";
import { asks, createRoute, json, problems, z, type Api } from "../api.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "Evidence";
const FILE_TYPE = "application/octet-stream";
/** Without folders and without what hides or turns text. */
const FILE_NAME = /^[^\p{Cc}\p{Cf}/\\]{1,255}$/u;

/** What is kept as proof, by its SHA-256. */
export function addEvidence(api: Api, { tminus }: ServerPorts): void {
  const read = createRoute({
    method: "get",
    path: "/evidence/{sha256}",
    ...asks("read", TAG, "What a step or a person kept as proof"),
    request: { params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }) },
    responses: {
      200: {
        description: "As it was kept; what is no text as a download",
        content: {
          "text/plain": { schema: z.string() },
          "application/octet-stream": { schema: z.string() },
        },
      },
      ...problems,
    },
  });
  api.openapi(read, async (c) => {
    const { sha256 } = c.req.valid("param");
    const found = await tminus.evidence(sha256);
    if (found === undefined) throw new TminusError("RESOURCE_UNKNOWN", `there is no evidence ${sha256}`);
    const { content, mediaType } = found;
    // What it is said to be, beside what it is sent as: never under the type that its name claims, because whoever handed
    // it in does not get to run it in a browser.
    c.header("Tminus-Media-Type", mediaType);
    if (typeof content === "string") return c.text(content, 200);
    return c.body(Uint8Array.from(content), 200, {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${sha256}"`,
    });
  });

  const keep = createRoute({
    method: "post",
    path: "/evidence",
    ...asks(
      "operate",
      TAG,
      `Hand in a file of at most ${MAX_ATTACHMENT_BYTES} bytes, for an attestation or a task that names it`,
    ),
    request: {
      query: z.object({
        name: z.string().regex(FILE_NAME).openapi({ description: "Of the file", example: "report.pdf" }),
      }),
      body: {
        required: true,
        content: { [FILE_TYPE]: { schema: z.string().openapi({ format: "binary" }) } },
      },
    },
    responses: { 201: json("What is on record of it", attachmentSchema), ...problems },
  });
  api.openapi(keep, async (c) => {
    const { name } = c.req.valid("query");
    if (c.req.header("content-type") !== FILE_TYPE)
      throw new TminusError(
        "USAGE_INVALID",
        `the request's body is a file, of the content type ${FILE_TYPE}`,
      );
    return c.json(await tminus.handIn({ name, content: new Uint8Array(await c.req.arrayBuffer()) }), 201);
  });
}
