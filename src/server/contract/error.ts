import { z } from "@hono/zod-openapi";
import { errorCodes, type ErrorCode } from "../../error-codes.ts";

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

export const errorRecordSchema = z.object({
  code: z.enum(codes).openapi("ErrorCode"),
  message: z.string(),
  hint: z.string().openapi({ description: "What to do next" }),
  details: z.record(z.string(), z.unknown()),
});

/** The body of every answer that is not 2xx. */
export const errorBodySchema = z.object({ error: errorRecordSchema }).openapi("Error");
export type ErrorBody = z.output<typeof errorBodySchema>;
