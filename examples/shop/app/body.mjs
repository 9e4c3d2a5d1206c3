import { HttpError } from "./http-error.mjs";

export const bodyLimitBytes = 64 * 1024;

/** The JSON object in the request body. Throws 415, 413 or 400. */
export async function readJson(request) {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0].trim().toLowerCase();
  if (type !== "application/json") throw new HttpError(415, "not_json", "send application/json");
  const text = await readText(request);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    // What JSON.parse says quotes the body, so it is not repeated.
    throw new HttpError(400, "bad_json", "the body is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(400, "bad_json", "the body must be a JSON object");
  }
  return value;
}

/**
 * Reads on a little past the limit before refusing: a connection closed on top of unread bytes is reset, and
 * the client would see that instead of the 413.
 */
async function readText(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size <= bodyLimitBytes) chunks.push(chunk);
    else if (size > 16 * bodyLimitBytes) break;
  }
  if (size > bodyLimitBytes) {
    const message = `the body is larger than ${bodyLimitBytes} bytes`;
    throw new HttpError(413, "too_large", message, { connection: "close" });
  }
  return Buffer.concat(chunks).toString("utf8");
}
