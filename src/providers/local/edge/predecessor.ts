import { request } from "node:http";

const TIMEOUT_MS = 5_000;

/** A call to the control socket of another edge process; rejects when nobody answers or it refuses. */
export function callEdge(socketPath: string, path: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const call = request({
      socketPath,
      path,
      method: "POST",
      timeout: TIMEOUT_MS,
      headers: { "Content-Length": Buffer.byteLength(text) },
    });
    call.once("error", reject);
    call.once("timeout", () => call.destroy(new Error(`no answer to ${path}`)));
    call.once("response", (res) => {
      let answer = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => (answer += chunk));
      res.once("error", reject);
      res.once("end", () => {
        if ((res.statusCode ?? 500) < 300) resolve(answer);
        else reject(new Error(`${path} was answered ${res.statusCode}: ${answer}`));
      });
    });
    call.end(text);
  });
}
