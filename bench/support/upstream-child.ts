import { createServer } from "node:http";

/** An application that does next to nothing: a small JSON answer to whatever is asked. Reads PORT and RELEASE_ID. */
const { PORT, RELEASE_ID } = process.env;
const body = JSON.stringify({ release: RELEASE_ID, text: "x".repeat(200) });

const server = createServer((_, response) => {
  response.setHeader("content-type", "application/json");
  response.end(body);
});
server.listen(Number(PORT), "127.0.0.1");
process.once("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
