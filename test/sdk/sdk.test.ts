import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import type { Payloads as Generated } from "../../packages/hook-sdk/payloads.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Payloads } from "../../src/model/payload.ts";
import { buildHook } from "../../src/runtime/authoring/build.ts";
import { newHook } from "../../src/runtime/authoring/new.ts";
import { runHook } from "../../src/runtime/authoring/run.ts";
import { TRUSTED_IMPORTS } from "../../src/sandbox/inspect/world.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});

/** What the compiler of TypeScript, as an editor runs it, says about a new hook with this source. */
async function typeErrors(name: string, source: string): Promise<string> {
  await newHook({ name, lang: "ts", role: "gate" }, lab.env);
  writeFileSync(join(lab.root, name, "hook.ts"), source);
  return spawnSync(process.execPath, [resolve("node_modules/.bin/tsc"), "-p", join(lab.root, name)], {
    encoding: "utf8",
  }).stdout;
}

describe("the types of the SDK", () => {
  it("of payloads, made from the schemas, are those of the kernel", () => {
    type Members<All> = { readonly [P in keyof All]: keyof All[P] };
    expectTypeOf<Members<Generated>>().toEqualTypeOf<Members<Payloads>>();
    expectTypeOf<Members<Generated["pre-tool"]>>().toEqualTypeOf<Members<Payloads["pre-tool"]>>();
    expectTypeOf<Members<Generated["spawn"]>>().toEqualTypeOf<Members<Payloads["spawn"]>>();
    expectTypeOf<Generated["audit"]["verdicts"][0]["decision"]>().toEqualTypeOf<
      Payloads["audit"]["verdicts"][0]["decision"]
    >();
    expectTypeOf<Generated["pre-tool"]["call"]["taxon"]>().toEqualTypeOf<Payloads["pre-tool"]["call"]["taxon"]>();
  });

  it("of every template hold, outside of this repository", async () => {
    for (const role of ["gate", "transformer", "observer"]) {
      expect(await typeErrors(role, readFileSync(`templates/hook/ts/${role}.ts`, "utf8"))).toBe("");
    }
  });

  const head =
    'import { allow, block, defineHook, transform } from "./sdk/hook.ts";\nimport * as host from "./sdk/host.ts";\n';
  it.each([
    [
      "a gate that transforms",
      'export const x = defineHook({ role: "gate", configure: () => 0, handlers: { "pre-tool": (p) => transform<"pre-tool">(p, "") } });',
      /hook\.ts\(3,/,
    ],
    [
      "an observer that blocks",
      'export const x = defineHook({ role: "observer", configure: () => 0, handlers: { audit: () => block("") } });',
      /hook\.ts\(3,/,
    ],
    [
      "an observer of another phase",
      'export const x = defineHook({ role: "observer", configure: () => 0, handlers: { spawn: () => allow("") } });',
      /'spawn' does not exist/,
    ],
    [
      "a member that the payload does not have",
      'export const x = defineHook({ role: "gate", configure: () => 0, handlers: { "pre-tool": (p) => allow(p.goal) } });',
      /Property 'goal' does not exist on type 'PreTool'/,
    ],
    [
      "a handler that is asynchronous",
      'export const x = defineHook({ role: "gate", configure: () => 0, handlers: { "pre-tool": async () => allow("") } });',
      /hook\.ts\(3,/,
    ],
    [
      "a payload of another phase",
      'export const x = transform<"spawn">({ step: 1 } as never as import("./sdk/payloads.ts").PreTool, "");',
      /hook\.ts\(3,/,
    ],
    ["a clock of its own", "export const x: number = setTimeout(() => 0);", /Cannot find name 'setTimeout'/],
    [
      "a BigInt where the host takes a number",
      "host.sleep(1n);",
      /'bigint' is not assignable to parameter of type 'number'/,
    ],
    ["a capsule of no kind", 'host.readCapsule("diary");', /is not assignable to parameter of type 'CapsuleKind'/],
  ])("refuse %s", async (name, source, error) => {
    expect(await typeErrors(name.toLowerCase().replace(/[^a-z]+/g, "-"), `${head}${source}\n`)).toMatch(error);
  });
});

it("the SDK declares every hostcall of the world", () => {
  const text = readFileSync("packages/hook-sdk/world.d.ts", "utf8");
  const declared = [...text.matchAll(/export function (\w+)/g)].map(([, name]) => name ?? "");
  const inWorld = Object.values(TRUSTED_IMPORTS).flatMap((items) =>
    Object.entries(items).flatMap(([name, type]) => (type.startsWith("func(") ? [name] : [])),
  );
  const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  expect(declared.sort()).toEqual(inWorld.map(camel).sort());
});

/** Calls everything that the SDK has, and answers with what came of it. */
const PROBE = `
import { allow, defineHook } from "./sdk/hook.ts";
import * as files from "./sdk/files.ts";
import * as host from "./sdk/host.ts";
const attempt = (call) => { try { return call() ?? null; } catch (error) { return (error instanceof Error) + ": " + error.message; } };
export const { configure, handle } = defineHook({ role: "gate", configure: () => 0, handlers: { "pre-tool": () => {
  host.writeCapsule("risk", { level: "low", note: "none" });
  const root = attempt(() => files.openRoot("work"));
  return allow(JSON.stringify({
    now: typeof host.now(), random: host.random(3).length, capsule: host.readCapsule("risk"), none: host.readCapsule("plan") ?? null,
    badKind: attempt(() => host.emit("Bad Kind", 1)), sleep: attempt(() => host.sleep(1)),
    tool: attempt(() => host.requestToolCall("file.read", {})),
    list: attempt(() => files.list(root).map((entry) => entry.name + " " + typeof entry.size)),
    read: attempt(() => String.fromCharCode(...files.read(root, "note.txt", { offset: 1, length: 3 }))),
    write: attempt(() => files.write(root, "new.txt", new Uint8Array([104, 105]))),
    stat: attempt(() => files.stat(root, "new.txt")), gone: attempt(() => files.read(root, "none.txt")),
    clock: attempt(() => Date.now()), dice: attempt(() => Math.random()),
  }));
} } });
`;

it("what the SDK calls arrives, and what is refused is an error with the host's words", async () => {
  await newHook({ name: "probe", lang: "ts", role: "gate" }, lab.env);
  const folder = join(lab.root, "probe");
  writeFileSync(join(folder, "hook.ts"), PROBE);
  const manifest = readFileSync(join(folder, "hook.yaml"), "utf8");
  const asks = "  authority: { files: [{ name: work, path: ., actions: [read, write] }] }\n  limits: { hostcalls: 40,";
  writeFileSync(join(folder, "hook.yaml"), manifest.replace("  limits: { deadlineMs: 1000, hostcalls: 8,", asks));
  await buildHook(folder, lab.env);
  await lab.file("note.txt", "hello");
  const options = { manifest: folder, phase: "pre-tool", input: join(folder, "event.json"), workspace: lab.workspace };
  const done = await runHook({ ...options, onNotice: (text) => process.stderr.write(text) }, lab.env);
  expect(done).toMatchObject({ decision: expect.stringMatching(/allow|failed/) });
  const said = JSON.parse(done.rationale) as JsonObject;
  expect(said).toMatchObject({
    now: "number",
    random: 3,
    capsule: { level: "low", note: "none" },
    none: null,
    badKind: expect.stringMatching(/^true: the kind of an event is/),
    sleep: null,
    tool: expect.stringMatching(/^true: denied: /),
    list: ["note.txt number"],
    read: "ell",
    write: null,
    stat: { name: "new.txt", kind: "file", size: 2 },
    gone: expect.stringMatching(/^true: .*none\.txt/),
    clock: "true: `Date.now` does not exist in a hook: call `now` of `pinion:hook/host@1.0.0`",
    dice: "true: `Math.random` does not exist in a hook: call `random` of `pinion:hook/host@1.0.0`",
  });
  expect(readFileSync(join(lab.workspace, "new.txt"), "utf8")).toBe("hi");
});
