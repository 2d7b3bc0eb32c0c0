import { expect, test } from "vitest";
import { type Confinement, effectiveConfinement } from "../../src/capability/confinement.ts";
import type { Backend, Layer } from "../../src/capability/layer.ts";
import { NOTHING_ELSE } from "../support/nothing-else.ts";

const LIMITS = { timeoutMs: 9, cpuMs: 9, memoryBytes: 9, processes: 9, fileBytes: 9, outputBytes: 9 };

function layer(confinement?: Confinement): Layer {
  return {
    name: "layer",
    filesystem: { read: [], write: [], deny: [] },
    process: { allow: [], deny: [], network: "none" },
    network: { domains: [], deny: [] },
    tools: { taxa: [], allow: [], deny: [] },
    spawn: { depth: 0, count: 0 },
    ...NOTHING_ELSE,
    ...(confinement === undefined ? {} : { confinement }),
  };
}
const blueprint = (backend: Confinement["backend"], limits: Partial<typeof LIMITS> = {}): Layer =>
  layer({ backend, limits: { ...LIMITS, ...limits } });

test("C1 a child's processes are confined by what every layer lists, in the child's order", () => {
  const backend = (...layers: Layer[]) => effectiveConfinement(layers).backend;
  expect(backend(layer(), blueprint(["unconfined", "bwrap"]))).toEqual(["unconfined", "bwrap"]);
  expect(backend(blueprint(["unconfined", "bwrap"]), layer(), blueprint(["bwrap", "unconfined"]))).toEqual([
    "unconfined",
    "bwrap",
  ]);
  expect(backend(blueprint(["bwrap", "unconfined"]), blueprint(["bwrap"]))).toEqual(["bwrap"]);
  expect(backend(blueprint(["unconfined"]), blueprint(["bwrap"]))).toEqual([]);
});

test("a policy leaves only the backends that it lists, whatever blueprints prefer", () => {
  const policy = (...backends: Backend[]): Layer => ({ ...layer(), process: { ...layer().process, backends } });
  const backend = (...layers: Layer[]) => effectiveConfinement(layers).backend;
  expect(backend(blueprint(["bwrap", "unconfined"]), policy("bwrap"))).toEqual(["bwrap"]);
  expect(backend(policy("unconfined", "bwrap"), blueprint(["bwrap", "unconfined"]))).toEqual(["bwrap", "unconfined"]);
  expect(backend(blueprint(["unconfined"]), policy("bwrap"))).toEqual([]);
});

test.each(Object.keys(LIMITS))("C1 of `%s` the smallest holds, whoever set it", (name) => {
  const bounded = [blueprint(["bwrap"]), blueprint(["bwrap"], { [name]: 3 }), blueprint(["bwrap"], { [name]: 5 })];
  expect(effectiveConfinement(bounded).limits).toEqual({ ...LIMITS, [name]: 3 });
  expect(effectiveConfinement(bounded.toReversed()).limits).toEqual({ ...LIMITS, [name]: 3 });
});
