import { afterEach, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { Host } from "../../src/sandbox/host.ts";
import { Starting } from "../../src/sandbox/starting.ts";
import { load, outcomeOf } from "../support/guests.ts";

const hosts: Host[] = [];
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.kill())));

/**
 * What a program sees in a hook host that stands where generated code does: it evaluates `expression`. The generator would
 * have to be tricked into writing it; this is what would be left to it then.
 */
async function inside(expression: string): Promise<unknown> {
  const host = await hostOf(expression);
  expect(await load(host, new Uint8Array())).toMatchObject({ ok: true });
  const outcome = await outcomeOf(host);
  return outcome.kind === "verdict" ? outcome.rationale : outcome;
}

/** A host that takes this for the program of every component. */
async function hostOf(expression: string, before = ""): Promise<Host> {
  const program = Buffer.from(`${before}; export function instantiate() {
    return { configure() {}, handle() {
      let seen; try { seen = ${expression}; } catch (error) { seen = "threw " + error.name; }
      return { decision: "allow", rationale: String(seen) };
    } };
  }`);
  const component = async () =>
    ({
      ok: true,
      world: "pinion:hook/hook@1.0.0",
      files: [{ name: "hook.js", size: program.length, digest: digestOf(program) }],
      body: program,
    }) as const;
  const process = await new Starting(globalThis.process.execPath, 10_000).ready;
  const host = new Host({
    process,
    tier: "sandboxed",
    clock: () => performance.now(),
    component,
    deadlines: true,
    loadDeadlineMs: 5000,
  });
  hosts.push(host);
  return host;
}

test.each(["node:fs", "node:process", "pinion:/sandbox/host/wire.ts", "data:text/javascript,"])(
  "generated code that imports `%s` is the end of its host",
  async (specifier) => {
    const host = await hostOf("1", `import "${specifier}"`);
    await expect(load(host, new Uint8Array())).rejects.toMatchObject({ fault: "host-died" });
  },
);

test("generated code has nothing of the process, no timers, no finalizers, no way to make code", async () => {
  const names = [
    "process",
    "require",
    "Buffer",
    "fetch",
    "setTimeout",
    "setImmediate",
    "FinalizationRegistry",
    "WebSocket",
    "Date",
  ];
  expect(await inside(`${JSON.stringify(names)}.filter((name) => name in globalThis).join()`)).toBe("");
  expect(await inside('Function("return 1")()')).toBe("threw EvalError");
  expect(await inside('eval("1")')).toMatch("threw");
});

test.each([
  ["Object", "Object.prototype.polluted = 1"],
  ["Array", "Array.prototype.push = () => 0"],
  ["String", "String.prototype.isWellFormed = () => true"],
  ["JSON", "JSON.parse = () => ({})"],
  ["Map", "Map.prototype.get = () => 0"],
  ["Promise", "Promise.prototype.then = () => 0"],
  ["Error", 'Object.defineProperty(Error.prototype, "payload", { value: 1 })'],
  ["typed arrays", "Object.getPrototypeOf(Uint8Array).prototype.set = () => 0"],
  ["iterators", "Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())).polluted = 1"],
  ["generators", "Object.getPrototypeOf(function* () {}).prototype.next = () => 0"],
  ["what has symbols", "Array.prototype[Symbol.iterator] = () => 0"],
  ["async functions", "Object.getPrototypeOf(async () => 0).polluted = 1"],
  ["functions", "Function.prototype.call = () => 0"],
  ["WebAssembly", "WebAssembly.Module = class {}"],
  ["core modules", "WebAssembly.Instance.prototype.polluted = 1"],
  ["text decoders", "TextDecoder.prototype.decode = () => ''"],
  ["the global object", "globalThis.polluted = 1"],
])("generated code cannot change %s for other components", async (_, statement) => {
  expect(await inside(`(() => { ${statement}; return "changed"; })()`)).toBe("threw TypeError");
});
