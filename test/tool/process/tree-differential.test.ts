import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SHELL } from "../../../src/tool/process/namespaces.ts";
import { openLayeredTree } from "../../../src/tool/process/tree/open.ts";
import type { TreeProbe } from "../../../src/tool/process/tree/probe.ts";
import { removeTree } from "../../../src/tool/process/tree/scratch.ts";
import { openHostDirectory } from "../../../src/vfs/host.ts";
import { openOverlay } from "../../../src/vfs/overlay/open.ts";
import { runs, seed } from "../../support/property.ts";
import { benchIn, layer as permissions } from "../kit.ts";
import { isSpelled, type Listing, listingOf, mechanisms, mergedListing, PlainLayer } from "../layers.ts";

const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const word = fc.integer({ min: 0, max: 99 });

/** One command of a script; that some fail is part of it. */
const command = fc.oneof(
  fc.tuple(path, word).map(([to, text]) => `echo ${text} > ${to}`),
  fc.tuple(path, word).map(([to, text]) => `echo ${text} >> ${to}`),
  fc.tuple(path, word).map(([to, text]) => `mkdir -p ${to} && echo ${text} > ${to}/e`),
  path.map((at) => `mkdir -p ${at}`),
  path.map((at) => `rm -rf ${at}`),
  path.map((at) => `rm -rf ${at}; mkdir -p ${at}`),
  path.map((at) => `rmdir ${at}`),
  fc.tuple(path, path).map(([from, to]) => `mv -T ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `cp -rT ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `ln -sfn ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `ln -T ${from} ${to}`),
  fc.tuple(path, fc.constantFrom("+x", "-x", "000", "755")).map(([at, mode]) => `chmod ${mode} ${at}`),
  path.map((at) => `touch ${at}`),
);
const script = fc.array(command, { minLength: 1, maxLength: 12 }).map((lines) => `${lines.join("\n")}\nexit 0`);
const scripts = fc.array(script, { minLength: 1, maxLength: 3 });

/** What the workspace and the layer hold at the beginning. */
function fill(base: string): void {
  for (const folder of ["a/b/c", "b", "c"]) mkdirSync(join(base, folder), { recursive: true });
  for (const file of ["a/a", "a/b/a", "a/b/c/a", "b/a", "d"]) writeFileSync(join(base, file), `${file}\n`);
}

/** The same without any layer. Names of one file are two files afterwards, as they are in a layer. */
function plainly(folder: string, all: readonly string[]): Listing {
  const plain = join(folder, "plain");
  mkdirSync(plain);
  fill(plain);
  for (const [index, text] of all.entries()) {
    execFileSync(SHELL, ["-c", text], { cwd: join(folder, index === 0 ? "plain" : `plain-${index}`), stdio: "ignore" });
    const at = join(folder, index === 0 ? "plain" : `plain-${index}`);
    execFileSync(SHELL, ["-c", "chmod -R u+rwX ."], { cwd: at });
    cpSync(at, join(folder, `plain-${index + 1}`), { recursive: true, verbatimSymlinks: true });
  }
  return listingOf(join(folder, `plain-${all.length}`));
}

async function throughLayers(
  folder: string,
  all: readonly string[],
  probe: TreeProbe,
  real: boolean,
): Promise<Listing> {
  const base = join(folder, "workspace");
  mkdirSync(base);
  fill(base);
  const untouched = listingOf(base);
  const quota = { bytes: 1024 ** 2, files: 1000 };
  const overlay = real ? await openOverlay({ base, folder: join(folder, "layer"), quota }) : undefined;
  mkdirSync(join(folder, "upper"), { recursive: true });
  const files = overlay ?? new PlainLayer({ base, upper: join(folder, "upper") }, quota);
  const scratch = join(folder, "scratch");
  const tree = await openLayeredTree({
    files,
    folder: scratch,
    accepts: isSpelled,
    openDirectory: (at) => openHostDirectory(at, { actions: ["read"] }),
    trial: [SHELL, "-c", ":"],
    probe,
  });
  const there = benchIn({
    folder,
    tree,
    layers: [permissions({ process: { allow: [["sh", "-c", "*"]], deny: [], network: "none" } })],
  });
  try {
    for (const text of all) {
      const result = await there.call("process.run", { argv: ["sh", "-c", text] });
      expect(result).toMatchObject({ exitCode: 0, ended: "by-itself" });
    }
    expect(readdirSync(scratch).filter((left) => left !== "scratch-whiteout")).toEqual([]);
    expect(listingOf(base)).toEqual(untouched);
    return mergedListing(files);
  } finally {
    there.close();
    tree.close();
    overlay?.close();
  }
}

const cases = (await mechanisms()).flatMap(({ name: how, probe, absent }) =>
  [true, false].map((real) => ({ how, probe, absent, real, what: real ? "the overlay" : "a plain layer" })),
);

test.for(cases)(
  "H12 scripts of file operations leave the same behind $how over $what as without it",
  async (one, { skip }) => {
    if (one.absent !== undefined) skip(one.absent);
    const property = fc.asyncProperty(scripts, async (all) => {
      const folder = mkdtempSync(join(tmpdir(), "pinion-differential-"));
      try {
        expect(await throughLayers(folder, all, one.probe, one.real)).toEqual(plainly(folder, all));
      } finally {
        removeTree(folder);
      }
    });
    await fc.assert(property, { seed, numRuns: runs(12, 400) });
  },
);
