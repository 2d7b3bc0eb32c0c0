import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBody } from "../../src/journal/bodies.ts";
import { isInputKind } from "../../src/journal/codec.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { Seal } from "../../src/journal/seal.ts";
import type { CanaryStory, CanaryWorld } from "../support/canary-world.ts";
import { Lab } from "../support/lab.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const ENTER = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"];
/** Name spaces, and `ip` and `openssl`, for a network of the test's own. */
const possible =
  spawnSync("unshare", [
    ...ENTER,
    "sh",
    "-c",
    "ip link set lo up && mount --bind /etc/hosts /etc/hosts && openssl version",
  ]).status === 0;

/** Unlike each other, and full of what encodings change. */
const CANARIES = {
  "web-token": `web/"canary"+${process.pid}&~\\x`,
  "env-token": `env/'canary'+${process.pid}%41~$x`,
  "file-token": `file/canary+${process.pid} <with> "quotes"`,
  "stdin-token": `stdin/canary+${process.pid}=\`x\`${"$"}(y)`,
};
const KEY = `sk-canary-${process.pid}-Zq8vN3xW5tR7yU2p`;

/** Says each of its secrets, and what it finds of Pinion's own, in every form, on both streams and as an error. */
const HOSTILE = `
import { readdirSync, readFileSync } from "node:fs";
import { formsOf } from "./forms.ts";
const read = (path) => { try { return readFileSync(path, "utf8"); } catch { return ""; } };
const around = readdirSync("/proc").filter((name) => /^\\d+$/.test(name));
const environments = around.map((pid) => read("/proc/" + pid + "/environ"));
const key = /OPENAI_COMPATIBLE_API_KEY=([^\\0]+)/.exec(environments.find((text) => text.includes("OPENAI_COMPATIBLE_API_KEY=")) ?? "")?.[1];
const mine = process.argv.includes("stdin") ? [readFileSync(0, "utf8")] : [process.env.TOKEN, readFileSync(process.env.TOKEN_FILE, "utf8"), key];
const lines = around.map((pid) => read("/proc/" + pid + "/cmdline"));
console.log(JSON.stringify({ secrets: mine.map((text) => text?.length), onCommandLines: lines.filter((line) => mine.some((text) => line.includes(text))).length }));
for (const text of mine.flatMap((value) => Object.values(formsOf(value ?? "")))) {
  console.log("<" + text + ">");
  console.error(text);
}
process.exitCode = 3;
`;

let lab: Lab;
let story: CanaryStory;
let summary: { readonly [key: string]: unknown };
beforeAll(async () => {
  if (!possible) return;
  lab = await Lab.open();
  await lab.file("hostile.mjs", HOSTILE);
  cpSync(join(ROOT, "test/support/forms.ts"), join(lab.workspace, "forms.ts"));
  const argv = [["node", "hostile.mjs"]];
  const blueprint = await lab.blueprint({
    runtime: { adapter: "openai-compatible", model: "m", baseUrl: "http://127.0.0.1:8080/v1", retries: 1 },
    tools: ["process.run", "http.fetch", "file.read"],
    taxa: ["workspace", "process", "network"],
    execution: {
      process: {
        allow: [
          ["node", "hostile.mjs"],
          ["node", "hostile.mjs", "stdin"],
        ],
      },
      network: { domains: ["api.canary.test", "evil.canary.test"] },
    },
    secrets: {
      "web-token": { tools: ["http.fetch"] },
      ...Object.fromEntries(
        ["env-token", "file-token", "stdin-token"].map((name) => [name, { tools: ["process.run"] }]),
      ),
    },
    uses: {
      "http.fetch": [
        { name: "web-token", as: "header", header: "authorization", format: "Bearer {}", domains: ["api.canary.test"] },
      ],
      "process.run": [
        { name: "env-token", as: "environment", variable: "TOKEN", argv },
        { name: "file-token", as: "file", variable: "TOKEN_FILE", argv },
        { name: "stdin-token", as: "stdin", argv: [["node", "hostile.mjs", "stdin"]] },
      ],
    },
    turns: [{ text: "unused" }],
  });
  const words = [
    "run",
    blueprint,
    "--goal",
    "tell me",
    "--workspace",
    lab.workspace,
    "--record",
    "out.jsonl",
    "--json",
  ];
  const world: CanaryWorld = {
    folder: lab.root,
    command: [process.execPath, join(ROOT, "bin/blueprint.mjs"), ...words],
    env: {
      ...(lab.variables as Record<string, string>),
      XDG_CACHE_HOME: join(lab.root, "cache"),
      TMPDIR: lab.root,
      OPENAI_COMPATIBLE_API_KEY: KEY,
      ...Object.fromEntries(
        Object.entries(CANARIES).map(([name, value]) => [
          `PINION_SECRET_${name.toUpperCase().replace("-", "_")}`,
          value,
        ]),
      ),
    },
    calls: [
      { tool: "process.run", arguments: { argv: ["node", "hostile.mjs"] } },
      { tool: "process.run", arguments: { argv: ["node", "hostile.mjs", "stdin"] } },
      { tool: "http.fetch", arguments: { url: "https://api.canary.test/echo" } },
      { tool: "http.fetch", arguments: { url: "https://api.canary.test/away" } },
      { tool: "file.read", arguments: { path: CANARIES["env-token"] } },
    ],
  };
  const driver = join(ROOT, "test/support/canary-world.ts");
  const ran = spawnSync("unshare", [...ENTER, process.execPath, driver], {
    input: JSON.stringify(world),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH },
  });
  expect(ran.stderr).toBe("");
  story = JSON.parse(ran.stdout) as CanaryStory;
  expect(story.code, story.stdout + story.stderr).toBe(0);
  summary = JSON.parse(story.stdout) as typeof summary;
}, 120_000);
afterAll(() => lab?.close());

/** What is left of a value in each form, wherever that begins and ends. Made here, not by what is being tested. */
function tracesOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  const percent = hex.replace(/../g, "%$&");
  return [
    value,
    ...shifted,
    ...shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    ...[hex, percent].flatMap((text) => [text, text.toUpperCase()]),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
    [...bytes].reverse().join(),
  ].filter((text) => text.length >= 6);
}
const TRACES = [...Object.values(CANARIES), KEY].flatMap(tracesOf);

function expectNothing(what: string, text: string): void {
  for (const trace of TRACES) expect(text.includes(trace), `${what} holds ${trace}`).toBe(false);
  // What is common to all of them, in plain.
  expect(text.includes(`canary+${process.pid}`), what).toBe(false);
}

function* filesBelow(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (lstatSync(path).isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

test.runIf(possible)("every secret came where it belongs, and a redirect took none along", () => {
  expect(story.requests).toEqual([
    `api.canary.test Bearer ${CANARIES["web-token"]}`,
    `api.canary.test Bearer ${CANARIES["web-token"]}`,
    "evil.canary.test nothing",
  ]);
  expect(story.asked).toBe(3);
  expect(summary).toMatchObject({ state: "completed", steps: 2, blocked: 0 });
});

test.runIf(possible)(
  "X1 X2 X3 nothing of any canary is in what the run left on disk, in memory files, or on its streams",
  () => {
    const places = [...filesBelow(lab.root)];
    expect(places.length).toBeGreaterThan(15);
    for (const path of places) {
      expectNothing(path, path);
      const { mode } = lstatSync(path);
      if ((mode & 0o170000) === 0o120000) expectNothing(path, readlinkSync(path));
      if ((mode & 0o170000) === 0o100000) expectNothing(path, readFileSync(path, "latin1"));
    }
    expectNothing("stdout", story.stdout);
    expectNothing("stderr", story.stderr);
    const memory = `/dev/shm/pinion-${process.getuid?.()}`;
    const left = existsSync(memory) ? [...filesBelow(memory)].filter((path) => path.includes(String(summary.run))) : [];
    expect(left).toEqual([]);
  },
);

test.runIf(possible)(
  "X1 X3 nothing is in the journal behind its seals, where a model and hooks would have read it",
  () => {
    const run = String(summary.run);
    const key = readRunKey(join(lab.env.stateDir, "keys", `${run}.key`));
    const recording = openRecording(join(lab.root, "out.jsonl"));
    const seal = new Seal(key ?? new Uint8Array(), run);
    const opened: string[] = [];
    for (const { entry } of recording.entries()) {
      if (isInputKind(entry.kind)) opened.push(JSON.stringify(openBody(entry, recording, seal)));
    }
    recording.close();
    expect(opened.length).toBeGreaterThan(12);
    for (const [index, text] of opened.entries()) expectNothing(`input ${index}`, text);
    const all = opened.join("\n");
    for (const name of [...Object.keys(CANARIES), "OPENAI_COMPATIBLE_API_KEY"])
      expect(all).toContain(`[secret ${name}]`);
    // The process has had them, and no command line did.
    const lengths = [CANARIES["env-token"], CANARIES["file-token"], KEY].map((value) => value.length);
    expect(all).toContain(JSON.stringify(`{"secrets":${JSON.stringify(lengths)},"onCommandLines":0}`).slice(1, -1));
  },
);

test.runIf(possible)(
  "X3 X5 nothing is in what people are shown, and the run replays identical without any of them",
  async () => {
    const run = String(summary.run);
    for (const [bin, ...words] of [
      ["harness", "show", "out.jsonl", "--all"],
      ["harness", "show", "out.jsonl", "--all", "--json"],
      ["pinion", "run", "logs", run],
      ["pinion", "run", "status", run],
      ["pinion", "run", "list"],
    ] as const) {
      const shown = await lab.finished(bin, words);
      expect(shown.code, words.join(" ")).toBe(0);
      expectNothing(words.join(" "), shown.stdout + shown.stderr);
    }
    const replayed = await lab.finished("harness", ["replay", join(lab.root, "out.jsonl"), "--json"]);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ answer: "identical" });
    expectNothing("replay", replayed.stdout + replayed.stderr);
  },
);
