/**
 * A machine of its own for one command: a network name space in which two names of the internet lead to servers of this process, over
 * TLS, and a model provider that asks for every call of the test and repeats whatever key it is sent. Run by `unshare`, with what is to
 * be done as JSON on its standard input, where nobody sees it; says what happened as JSON.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import { join } from "node:path";
import { formsOf } from "./forms.ts";

export interface CanaryWorld {
  /** For certificates and lists of hosts. */
  readonly folder: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly calls: readonly { readonly tool: string; readonly arguments: object }[];
}

export interface CanaryStory {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** `host authorization` of every request over TLS. */
  readonly requests: readonly string[];
  /** Attempts at the model. */
  readonly asked: number;
}

/** Public, so that it may be fetched; it leads nowhere but here. */
const ADDRESS = "1.1.1.1";
/** Free, as the name space is new. */
const PROVIDER_PORT = 8080;
export const HOSTS = { mine: "api.canary.test", other: "evil.canary.test" } as const;

const { folder, command, env, calls } = JSON.parse(readFileSync(0, "utf8")) as CanaryWorld;
for (const line of ["link set lo up", `addr add ${ADDRESS}/32 dev lo`]) execFileSync("ip", line.split(" "));
const names = join(folder, "hosts");
writeFileSync(
  names,
  `127.0.0.1 localhost\n${Object.values(HOSTS)
    .map((host) => `${ADDRESS} ${host}\n`)
    .join("")}`,
);
execFileSync("mount", ["--bind", names, "/etc/hosts"]);

const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
const alternatives = Object.values(HOSTS).map((host) => `DNS:${host}`);
const asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
const subject = ["-subj", "/CN=canary", "-addext", `subjectAltName=${alternatives.join()}`];
execFileSync("openssl", [...asked, ...subject, "-keyout", key ?? "", "-out", cert ?? ""], { stdio: "ignore" });

const requests: string[] = [];
const web = createTls({ key: readFileSync(key ?? ""), cert: readFileSync(cert ?? "") }, (request, response) => {
  const sent = request.headers.authorization ?? "nothing";
  requests.push(`${request.headers.host} ${sent}`);
  if (request.url === "/away") response.writeHead(307, { location: `https://${HOSTS.other}/collect` }).end();
  else response.setHeader("etag", `"${sent}"`).end(Object.values(formsOf(sent.replace("Bearer ", ""))).join("\n"));
});
await new Promise<void>((done) => web.listen(443, ADDRESS, done));

let attempts = 0;
const provider = createServer((request, response) => {
  attempts += 1;
  request.resume().on("end", () => answer(request, response));
});
await new Promise<void>((done) => provider.listen(PROVIDER_PORT, "127.0.0.1", done));

/** The first attempt fails with words about the key; then come all calls, then the key in every form. */
function answer({ headers }: IncomingMessage, response: ServerResponse): void {
  const sent = (headers.authorization ?? "").replace("Bearer ", "");
  const told = Object.values(formsOf(sent)).join("\n");
  response.setHeader("content-type", "application/json");
  if (attempts === 1) {
    response.writeHead(500).end(JSON.stringify({ error: { message: `bad key ${sent}: ${told}` } }));
    return;
  }
  const message =
    attempts === 2
      ? { role: "assistant", content: `I use ${sent}`, tool_calls: calls.map(toolCall) }
      : { role: "assistant", content: `the key: ${told}` };
  const finish_reason = attempts === 2 ? "tool_calls" : "stop";
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const whole = { id: sent, object: "chat.completion", created: 1, model: "m", usage };
  response.end(JSON.stringify({ ...whole, choices: [{ index: 0, message, finish_reason }] }));
}

function toolCall({ tool, arguments: args }: CanaryWorld["calls"][number], index: number) {
  const said = { name: tool.replace(".", "_"), arguments: JSON.stringify(args) };
  return { id: `call-${index}`, type: "function", function: said };
}

const [program = "", ...words] = command;
const child = spawn(program, words, {
  cwd: folder,
  env: { ...env, NODE_EXTRA_CA_CERTS: cert ?? "" },
  stdio: ["ignore", "pipe", "pipe"],
});
let stdout = "";
let stderr = "";
child.stdout.on("data", (data) => {
  stdout += String(data);
});
child.stderr.on("data", (data) => {
  stderr += String(data);
});
child.on("close", (code) => {
  const story: CanaryStory = { code, stdout, stderr, requests, asked: attempts };
  process.stdout.write(JSON.stringify(story), () => process.exit());
});
