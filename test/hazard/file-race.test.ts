import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileRequest } from "../../src/hostcall/files.ts";
import { fileDriver } from "../../src/runtime/files.ts";
import { directFiles } from "../../src/runtime/workspace.ts";
import { once } from "../support/burglar.ts";
import { Lab } from "../support/lab.ts";
import { runs } from "../support/property.ts";
import { Racer } from "../support/racer.ts";

let lab: Lab;
let racer: Racer;
const outside = (path: string) => join(lab.root, "outside", path);

beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
  await lab.file("out/dir/file", "inside");
  await lab.file("out/leaf", "inside");
  mkdirSync(outside("dir"), { recursive: true });
  writeFileSync(outside("secret"), "outside");
  writeFileSync(outside("dir/file"), "outside");
  symlinkSync(outside("dir"), join(lab.workspace, "out/link"));
  symlinkSync(outside("secret"), join(lab.workspace, "out/leaf-link"));
  racer = await Racer.start(join(lab.workspace, "out"));
});
afterEach(async () => {
  racer.kill();
  await lab.close();
});

/** Nothing outside was made, changed or removed. */
function untouched(): void {
  expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  expect(readFileSync(outside("dir/file"), "utf8")).toBe("outside");
  expect(readdirSync(outside("")).sort()).toEqual(["dir", "secret"]);
  expect(readdirSync(outside("dir"))).toEqual(["file"]);
}

/** The last one when the link is a directory again by the time it is looked at. */
const REFUSALS = ["link", "not-found", "not-a-directory"];
/** Reads are the bulk; what changes something waits for the disk. */
const BULK: readonly FileRequest[] = [
  { operation: "read", root: "out", path: "dir/file", offset: 0, length: 10 },
  { operation: "read", root: "out", path: "leaf", offset: 0, length: 10 },
  { operation: "read", root: "out/dir", path: "file", offset: 0, length: 10 },
  { operation: "list", root: "out", path: "dir" },
  { operation: "look", root: "out", path: "leaf" },
];
const CHANGES: readonly FileRequest[] = [
  { operation: "write", root: "out", path: "dir/made", data: "bWFkZQ==" },
  { operation: "create-directory", root: "out", path: "dir/new" },
  { operation: "remove", root: "out", path: "dir/new" },
  { operation: "rename", root: "out", path: "dir/made", target: "dir/moved" },
  { operation: "remove", root: "out", path: "dir/moved" },
];
const nameOf = ({ operation, root, path }: FileRequest) => `${operation} ${root} ${path}`;

const TIME = { timeout: runs(120_000, 3_600_000) };

/** Inside at times and refused at times; for `look` a link is as good as a file. */
function bothSides({ operation, path }: FileRequest, seen = { inside: 0, refused: 0 }): boolean {
  return seen.inside > 0 && (seen.refused > 0 || (operation === "look" && path === "leaf"));
}
const FINE: readonly unknown[] = [Buffer.from("inside").toString("base64"), true, false, null];

test(
  "H3 rename race: no operation of the driver leaves the workspace while names are swapped for links",
  TIME,
  async () => {
    const driver = fileDriver(directFiles(lab.workspace));
    const { signal } = new AbortController();
    const seen = new Map<string, { inside: number; refused: number }>();
    const operations = runs(6_000, 1_000_000);
    // Both sides of the race must have been there, or it would show nothing; a machine that is busy elsewhere takes longer.
    const decided = () => BULK.every((request) => bothSides(request, seen.get(nameOf(request))));
    for (let round = 0; round < operations || (!decided() && round < 20 * operations); round += 1) {
      const pool = round % 100 === 0 ? CHANGES : BULK;
      const request = pool[(pool === BULK ? round : round / 100) % pool.length];
      if (request === undefined) throw new Error("no request");
      const count = seen.get(nameOf(request)) ?? { inside: 0, refused: 0 };
      seen.set(nameOf(request), count);
      const refusals = pool === BULK ? REFUSALS : [...REFUSALS, "exists", "not-empty"];
      const answer = await driver.perform(request, signal).catch((error: { readonly code?: unknown }) => {
        expect(refusals, String(error)).toContain(error.code);
        return "refused";
      });
      if (answer === "refused") count.refused += 1;
      else if (request.operation === "list") expect(JSON.stringify(answer)).toContain('"size":6');
      else expect(FINE).toContain(answer);
      if (answer !== "refused") count.inside += 1;
    }
    expect(await racer.stop()).toBeGreaterThan(0);
    expect(decided(), JSON.stringify([...seen])).toBe(true);
    untouched();
  },
);

test("H3 rename race: a hook that reads and writes meanwhile sees what is inside or a refusal", async () => {
  const tries = runs(1_500, 9_000);
  const found = await once(
    lab,
    `const root = files.openRoot("out");
     const count = {};
     const note = (kind) => { count[kind] = (count[kind] ?? 0) + 1; };
     const decided = () => count.inside > 0 && count.written > 0 && count.link > 0;
     for (let n = 0; n < ${tries} || (!decided() && n < 9900); n++) {
       const { ok, error } = n % 50 === 0
         ? said(() => files.write(root, "dir/made", bytes("made")))
         : said(() => text(files.read(root, n % 2 ? "dir/file" : "leaf", 0, 10)));
       note(error === undefined ? (n % 50 === 0 ? "written" : String(ok)) : error.split(":")[0]);
     }
     return count;`,
    { limits: { files: 100_000 } },
  );
  expect(await racer.stop()).toBeGreaterThan(0);
  const { inside, written, ...refused } = found;
  expect(Object.keys(refused).filter((kind) => !REFUSALS.includes(kind))).toEqual([]);
  expect(inside).toBeGreaterThan(0);
  expect(written).toBeGreaterThan(0);
  expect(refused.link).toBeGreaterThan(0);
  untouched();
});
