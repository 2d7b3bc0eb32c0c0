import { expect, test } from "vitest";
import { digestOfLayer, missingFrom, Narrowing } from "../../src/capability/narrowing.ts";
import { layerOf } from "../support/layers.ts";

const tools = { taxa: ["workspace"], allow: ["*"] } as const;
const filesystem = { read: ["**"], write: ["**"] };
const wide = layerOf("wide", { filesystem, tools, process: { network: "host" }, spawn: { depth: 2, count: 2 } });
const narrow = layerOf("narrow", { filesystem: { read: ["src/**"] }, tools, budgets: { steps: 3 } });

test("an authority follows the layers that are added, also where it was handed out before", () => {
  const narrowing = new Narrowing([wide]);
  const { authority } = narrowing;
  expect(authority.file("write", "a").allow).toBe(true);
  expect([authority.processNetwork, authority.spawnLimits, authority.budgets]).toEqual([
    "host",
    { depth: 2, count: 2 },
    {},
  ]);
  narrowing.add([narrow]);
  expect(authority.file("write", "a")).toMatchObject({ allow: false, rule: "narrow: filesystem.write" });
  expect(authority.trees("read")).toEqual([{ path: "src", deep: true }]);
  expect(authority.tool({ name: "file.read", taxon: "workspace" }).rule).toContain("narrow: tools.allow[0]");
  expect([authority.processNetwork, authority.spawnLimits, authority.budgets]).toEqual([
    "none",
    { depth: 0, count: 0 },
    { steps: 3 },
  ]);
});

test("a layer that is there already is not added, one of the same name that says something else is", () => {
  const narrowing = new Narrowing([wide, narrow]);
  const before = narrowing.layers;
  narrowing.add([structuredClone(narrow), wide]);
  expect(narrowing.layers).toBe(before);
  narrowing.add([{ ...wide, filesystem: { read: [], write: [], deny: [] } }]);
  expect(narrowing.layers.map(({ name }) => name)).toEqual(["wide", "narrow", "wide"]);
  expect(narrowing.authority.file("read", "src/a")).toMatchObject({ allow: false, rule: "wide: filesystem.read" });
});

test("a layer that could not mean what it says changes nothing", () => {
  const narrowing = new Narrowing([wide]);
  expect(() => narrowing.add([layerOf("broken", { filesystem: { deny: ["../x"] } })])).toThrow("filesystem.deny[0]");
  expect(narrowing.layers).toEqual([wide]);
  expect(narrowing.authority.file("read", "a").allow).toBe(true);
});

test("what is missing is told by what layers say, whatever the order of their fields", () => {
  const turned = Object.fromEntries(Object.entries(narrow).toReversed()) as unknown as typeof narrow;
  expect(digestOfLayer(turned)).toBe(digestOfLayer(narrow));
  expect(missingFrom([wide, turned], [narrow, { ...narrow, name: "other" }])).toEqual([{ ...narrow, name: "other" }]);
});
