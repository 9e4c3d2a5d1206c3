/** One JSON object a line on stdout. Never give it a password, a token or a request body. */
export function log(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}
