import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { HostLayer } from "../../src/model/hook.ts";
import { asReady } from "../../src/sandbox/check.ts";
import { BARE, type Confinement, confinements } from "../../src/sandbox/confinement.ts";
import { FROM_HOST, type SelfCheck } from "../../src/sandbox/host/wire.ts";
import { layersAround } from "../../src/sandbox/layers.ts";
import { ConfinedProcess } from "../../src/sandbox/process.ts";
import { programs } from "../../src/sandbox/programs.ts";
import { confinementOf, HOST_FLAGS, Starting } from "../../src/sandbox/starting.ts";
import { testHosts } from "../support/guests.ts";
import { runs } from "../support/property.ts";

const NODE = process.execPath;

/** What says `hello` when it has started, if it can start so. */
async function started(confinement: Confinement, flags = HOST_FLAGS) {
  const child = new ConfinedProcess({ node: NODE, program: programs().host, flags, confinement, bounds: FROM_HOST });
  const seen = await new Promise<SelfCheck | undefined>((resolve) =>
    child.listen({ frame: ({ head }) => resolve(asReady(head)), end: () => resolve(undefined) }),
  );
  return { child, seen, pid: child.pid ?? 0 };
}

function active(layers: readonly HostLayer[]): readonly string[] {
  return layers.filter((layer) => layer.active).map(({ name }) => name);
}

const ALWAYS = ["permission", "environment", "wasm-caps"];
const BY_TOOL: Readonly<Record<string, readonly string[]>> = {
  setpriv: ["pdeathsig", "privileges"],
  prlimit: ["rlimits"],
  bwrap: ["pdeathsig", "privileges", "bwrap"],
};

describe("every way to start a hook host that works here has the layers of its tools, and no more", () => {
  test.each(
    confinements().map((confinement) => [confinement.tools.join(" and ") || "Node alone", confinement] as const),
  )("%s", async (_, confinement) => {
    const { child, seen, pid } = await started(confinement);
    if (seen !== undefined) {
      const found = active(layersAround({ pid, tools: confinement.tools, seen }));
      const promised = new Set([...ALWAYS, ...confinement.tools.flatMap((tool) => BY_TOOL[tool] ?? [])]);
      // Capabilities stay where setpriv may not take them, and whoever has none keeps none.
      promised.delete("privileges");
      expect(found.filter((name) => name !== "privileges").toSorted()).toEqual([...promised].toSorted());
    } else expect(confinement).not.toBe(BARE);
    await child.kill();
  });
});

test("a machine without any of the tools starts hook hosts by Node alone, and says so", async () => {
  expect(confinements(() => false)).toEqual([BARE]);
  const { child, seen, pid } = await started(BARE);
  const layers = layersAround({
    pid,
    tools: [],
    seen: seen ?? { permission: false, environment: [], wasmCaps: false },
  });
  const missing = layers.filter((layer) => !layer.active).map(({ name, detail }) => `${name}: ${detail}`);
  expect(missing).toContain("pdeathsig: needs setpriv");
  expect(missing).toContain("rlimits: none: needs prlimit");
  expect(missing).toContain("bwrap: needs bubblewrap, permitted to make namespaces");
  await child.kill();
});

test("caps that V8 was not given are seen to be missing, and such a process is no hook host", async () => {
  const { child, seen } = await started(BARE, []);
  expect(seen).toEqual({ permission: true, environment: ["GLIBC_TUNABLES"], wasmCaps: false });
  await child.kill();
});

test("the tightest way that works is tried once, by the first host, and its layers are what `layers` tells", async () => {
  const hosts = testHosts({ spares: 1 });
  const layers = await hosts.layers();
  const { tools } = await confinementOf(NODE);
  const second = new Starting(NODE, 10_000);
  await second.ready;
  expect(second.started?.tools).toEqual(tools);
  expect(active(layers)).toEqual(expect.arrayContaining(ALWAYS));
  expect(active(layers).includes("bwrap")).toBe(tools.includes("bwrap"));
  await Promise.all([hosts.close(), second.kill()]);
});

test("a Node that does not start has no layers", async () => {
  const hosts = testHosts({ node: "/nonexistent/node" });
  expect(await hosts.layers()).toEqual([]);
  await hosts.close();
});

describe("R5 deep recursion outside of Wasm is an error and no crash", () => {
  const recursions = `
    const names = [() => { const down = (n) => 1 + down(n + 1); down(0); },
      () => { const down = (...all) => all.map(() => down(...all)); down(1, 2, 3, 4, 5, 6, 7, 8); },
      () => { const mirror = new Proxy({}, { get: () => mirror.self }); mirror.self; },
    ].map((attempt) => { try { attempt(); return "returned"; } catch (error) { return error.name; } });`;
  // A large stack takes 20 s to fill. The barest way comes first, the others at the counts of a soak.
  const ways = [...new Set([BARE, ...confinements()])];
  test.each(
    ways
      .slice(0, runs(1, ways.length))
      .map((confinement) => [confinement.tools.join(" and ") || "Node alone", confinement] as const),
  )("%s", async (_, confinement) => {
    const boot = `import { readSync, writeSync } from "node:fs"; ${recursions}
        const text = Buffer.from(JSON.stringify(names)); const prefix = Buffer.alloc(8); prefix.writeUInt32LE(text.length);
        writeSync(1, Buffer.concat([prefix, text])); while (readSync(0, Buffer.alloc(65536)) > 0);`;
    const program = { boot, code: new Uint8Array(), readable: [], args: [] };
    const child = new ConfinedProcess({ node: NODE, program, flags: HOST_FLAGS, confinement, bounds: FROM_HOST });
    const said = await new Promise((resolve) =>
      child.listen({ frame: ({ head }) => resolve(head), end: ({ message }) => resolve(message) }),
    );
    // A way that does not work here has said so before Node began.
    if (Array.isArray(said)) expect(said).toEqual(["RangeError", "RangeError", "RangeError"]);
    else expect(said).toMatch(/exit code 1/);
    await child.kill();
  });
});

test("a hook host leads a session and a process group of its own", async () => {
  const starting = new Starting(NODE, 10_000);
  const { pid } = await starting.ready;
  const [, , group, session] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  expect([Number(group), Number(session)]).toEqual([pid, pid]);
  await starting.kill();
});
