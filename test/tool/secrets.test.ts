import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { SecretUse } from "../../src/model/tool.ts";
import { Mask } from "../../src/secret/mask.ts";
import type { Secrets } from "../../src/tool/ports.ts";
import { probeBwrap } from "../../src/tool/process/backend.ts";
import { formsOf } from "../support/forms.ts";
import { bench, layer, UNCONFINED } from "./kit.ts";

/** Unlike the values of whoever else runs this on the machine. */
const VALUES = {
  token: `canary-'token'-${process.pid}-7f3a`,
  key: "canary\nline-two-of-the-key-0\n",
  answer: "canary-stdin-41b2",
};
const bwrap = await probeBwrap();
const BACKENDS = [UNCONFINED, ...("program" in bwrap ? [{ name: "bwrap" as const, ...bwrap }] : [])];

function secretsOf(values: Readonly<Record<string, string>>): Secrets {
  return {
    value: (name) => values[name],
    mask: new Mask(Object.entries(values).map(([name, value]) => ({ name, value }))),
  };
}

const USES: readonly SecretUse[] = [
  { name: "token", as: "environment", variable: "TOKEN", argv: [["node", "-e", "*"]], format: "Bearer {}" },
  { name: "key", as: "file", variable: "KEY_FILE", argv: [["node", "-e", "**"]] },
  { name: "answer", as: "stdin", argv: [["node", "-e", "*", "stdin"]] },
];
const LAYER = layer({
  process: {
    allow: [
      ["node", "-e", "*"],
      ["node", "-e", "*", "*"],
    ],
    deny: [],
    network: "none",
  },
  secrets: { allow: ["*"] },
});

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
function machine(backend: (typeof BACKENDS)[number], values: Readonly<Record<string, string>> = VALUES) {
  const there = bench({ backend, layers: [LAYER], secrets: secretsOf(values), uses: { "process.run": USES } });
  const run = async (script: string, more: readonly string[] = [], rest: JsonObject = {}): Promise<Ran> =>
    (await there.call("process.run", { argv: ["node", "-e", script, ...more], ...rest })) as unknown as Ran;
  return { ...there, run };
}

/** Says a text in a form that nothing looks through. */
const TURNED = "const turned = (text) => [...text].reverse().join('~');";
const turned = (text: string): string => [...text].reverse().join("~");

describe.each(BACKENDS)("a process under $name", (backend) => {
  test("finds a secret in its environment, in its format, and nowhere else", async () => {
    const { run } = machine(backend);
    const { stdout } = await run(
      `${TURNED} console.log(turned(process.env.TOKEN)); console.log(Object.keys(process.env).sort().join())`,
    );
    expect(stdout).toBe(`${turned(`Bearer ${VALUES.token}`)}\nHOME,KEY_FILE,LANG,PATH,TMPDIR,TOKEN\n`);
  });

  test("finds a secret in a file that is its alone, in memory, and that is gone afterwards", async () => {
    const { run, folder } = machine(backend);
    const look = `const fs = require("fs"); const file = process.env.KEY_FILE;
      const { mode, nlink } = fs.statSync(file);
      console.log(JSON.stringify({ file, mode: mode & 0o777, folder: fs.statSync(file + "/..").mode & 0o777, nlink }));
      ${TURNED} process.stdout.write(turned(fs.readFileSync(file, "utf8")));`.replaceAll(
      'file + "/.."',
      'require("path").dirname(file)',
    );
    const { stdout } = await run(look);
    const [first = "", ...rest] = stdout.split("\n");
    const facts = JSON.parse(first) as { readonly file: string };
    expect(facts).toMatchObject({ mode: 0o600, folder: 0o700, nlink: 1 });
    expect(rest.join("\n")).toBe(turned(VALUES.key));
    expect(existsSync(facts.file)).toBe(false);
    expect(readdirSync(join(folder, "temporary"))).toEqual([]);
    if (backend.name === "bwrap") expect(facts.file).toBe("/run/secrets/key");
  });

  test("finds a secret on its standard input, and the call gives none then", async () => {
    const { run, call } = machine(backend);
    const read = `${TURNED} console.log(turned(require("fs").readFileSync(0, "utf8")))`;
    expect((await run(read, ["stdin"])).stdout).toBe(`${turned(VALUES.answer)}\n`);
    const argv = ["node", "-e", read, "stdin"];
    await expect(call("process.run", { argv, stdin: "x" })).rejects.toThrow(/pinion: one secret in one place/);
  });

  test("X1 is on no command line and in no environment but its own", async () => {
    const { run } = machine(backend);
    const { stdout } = await run(`const fs = require("fs");
      const seen = fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).flatMap((pid) => {
        const read = (file) => { try { return fs.readFileSync("/proc/" + pid + "/" + file, "latin1"); } catch { return ""; } };
        const word = process.env.TOKEN.slice("Bearer ".length);
        return ["cmdline", "environ"].filter((file) => read(file).includes(word)).map((file) => pid + " " + file);
      });
      console.log(JSON.stringify({ pid: process.pid, seen }));`);
    const { pid, seen } = JSON.parse(stdout) as { readonly pid: number; readonly seen: readonly string[] };
    expect(seen).toEqual([`${pid} environ`]);
  });

  test("X1 X2 whatever it says of them comes back without them, in every form and from both streams", async () => {
    const { run } = machine(backend);
    const forms = Object.entries(formsOf(VALUES.token));
    const bytes = forms.map(([form, text]) => Buffer.from(`<${text}>`, form === "UTF-16" ? "latin1" : "utf8"));
    // In halves, so that nothing on its command line is a form of it.
    const halves = bytes.map((text) => [0, 1].map((half) => text.filter((_, at) => at % 2 === half)));
    const said = JSON.stringify(halves.map((pair) => pair.map((half) => Buffer.from(half).toString("base64"))));
    const { stdout, stderr } = await run(`for (const pair of ${said}) {
      const [even, odd] = pair.map((half) => Buffer.from(half, "base64"));
      const text = Buffer.alloc(even.length + odd.length);
      even.forEach((byte, at) => { text[2 * at] = byte; });
      odd.forEach((byte, at) => { text[2 * at + 1] = byte; });
      // A piece at a time: what is split over chunks is one text all the same.
      for (let at = 0; at < text.length; at += 7) process.stdout.write(text.subarray(at, at + 7));
      process.stderr.write(text);
    }`);
    for (const text of [stdout, stderr]) {
      const parts = text.slice(1, -1).split("><");
      expect(parts.length).toBe(forms.length);
      for (const [index, part] of parts.entries()) expect(part, forms[index]?.[0]).toContain("[secret token]");
    }
  });

  test("X2 a secret that lies across the cut in a long output is not half shown", async () => {
    const { run } = machine(backend);
    const lengths = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((back) => 65_536 - back);
    for (const length of [lengths[0] ?? 0, lengths[5] ?? 0]) {
      const { stdout } = await run(`const secret = process.env.TOKEN.slice("Bearer ".length);
        process.stdout.write("a".repeat(${length}) + secret + "b".repeat(200000) + secret + "c".repeat(${length}));`);
      expect(stdout.length).toBeLessThan(140_000);
      expect(stdout.replaceAll("[secret token]", "")).toMatch(/^a+\n\[\d+ bytes left out\]\nc+$/);
    }
  });
});

describe("secrets of tools", () => {
  test("gates see their names, never a value, and a call that the registry does not describe has none", async () => {
    const { box } = machine(UNCONFINED);
    const signal = new AbortController().signal;
    const resolve = (argv: readonly string[]) => box.resolve({ tool: "process.run", arguments: { argv } }, signal);
    expect((await resolve(["node", "-e", "1"])).secrets).toEqual([
      { name: "token", as: "environment", to: "TOKEN" },
      { name: "key", as: "file", to: "KEY_FILE" },
    ]);
    expect(JSON.stringify(await resolve(["node", "-e", VALUES.token]))).not.toContain("canary");
    expect((await resolve(["node", "--version"])).secrets).toBeUndefined();
  });

  test("a secret that is optional and not there is not handed over, and not named", async () => {
    const { run, box } = machine(UNCONFINED, { key: VALUES.key });
    expect((await run("console.log(process.env.TOKEN, typeof process.env.KEY_FILE)")).stdout).toBe(
      "undefined string\n",
    );
    const request = { tool: "process.run", arguments: { argv: ["node", "-e", "1"] } };
    expect((await box.resolve(request, new AbortController().signal)).secrets).toEqual([
      { name: "key", as: "file", to: "KEY_FILE" },
    ]);
  });

  test("a call is denied where the policy or the blueprint does not let the tool have them, also without values", () => {
    const request = { tool: "process.run", arguments: { argv: ["node", "-e", "1"] } };
    const denied = (parts: Parameters<typeof bench>[0]) =>
      bench({ layers: [LAYER], uses: { "process.run": USES }, ...parts }).box.permit(request, {});
    expect(denied({ layers: [{ ...LAYER, secrets: { allow: ["key"] } }] })).toMatchObject({
      allow: false,
      rule: "policy test@1.0.0: secrets.allow",
    });
    expect(denied({ listed: (name) => name !== "key" })).toMatchObject({
      allow: false,
      rule: "blueprint: secrets.key.tools",
    });
    const twice = [...USES, { name: "other", as: "environment", variable: "TOKEN", argv: [["node", "**"]] } as const];
    expect(denied({ uses: { "process.run": twice } })).toMatchObject({ rule: "pinion: one secret in one place" });
    expect(denied({})).toMatchObject({ allow: true });
  });

  test("a registry is refused that puts a secret where none can be, or where it could steer something", () => {
    const refused = (tool: string, use: SecretUse) => () => bench({ uses: { [tool]: [use] } });
    const header = { name: "a", as: "header", header: "authorization", domains: ["a.test"] } as const;
    const variable = { name: "a", as: "environment", variable: "TOKEN", argv: [["x"]] } as const;
    expect(refused("http.fetch", header)).not.toThrow();
    expect(refused("process.run", header)).toThrow(/`as: header` is for `http.fetch`/);
    expect(refused("file.read", variable)).toThrow(/is for `process.run`/);
    expect(refused("http.fetch", { name: "a", as: "header", header: "x-key" })).toThrow(/needs `domains`/);
    expect(refused("http.fetch", { ...header, header: "host" })).toThrow(/`host` cannot hold a secret/);
    expect(refused("process.run", { ...variable, variable: "LD_PRELOAD" })).toThrow(/`LD_PRELOAD` cannot/);
    expect(refused("process.run", { ...variable, variable: "PATH" })).toThrow(/`PATH` cannot/);
    expect(refused("process.run", { ...variable, argv: [["*", "x"]] })).toThrow(/must name the command/);
    expect(refused("process.run", { ...variable, argv: [["x", "**", "y"]] })).toThrow(/comes last/);
    expect(refused("process.run", { ...variable, domains: ["a.test"] })).toThrow(/`domains` means nothing/);
  });

  test("X2 a file is read without them, whatever the ranges, and not searched for them", async () => {
    const { at, call } = machine(UNCONFINED);
    const hex = Buffer.from(VALUES.token).toString("hex");
    const content = `one ${VALUES.token} two ${hex} three`;
    writeFileSync(at("a.txt"), content);
    for (const length of [1, 5, 11, 1000]) {
      let seen = "";
      for (let offset: number | null = 0; offset !== null; ) {
        const part = (await call("file.read", { path: "a.txt", offset, length })) as JsonObject;
        seen += String(part.content);
        expect(part.size).toBe(content.length);
        offset = part.next as number | null;
      }
      expect(seen.replaceAll(/(\[secret token\])+/g, "#")).toBe("one # two # three");
    }
    for (const pattern of ["canary", "c.?n.?a.?r.?y", hex.slice(0, 8), "tok[e]n'"]) {
      expect(await call("file.search", { pattern, regex: true })).toMatchObject({ matches: [] });
    }
    expect(await call("file.search", { pattern: "two" })).toMatchObject({
      matches: [{ text: "one [secret token] two [secret token] three" }],
    });
    expect(readFileSync(at("a.txt"), "utf8")).toBe(content);
  });

  test("X1 names of files, and errors that quote them, come back without them", async () => {
    const { at, call } = machine(UNCONFINED);
    writeFileSync(at(VALUES.answer), "");
    expect(await call("file.list", {})).toMatchObject({ entries: [{ path: "[secret answer]" }] });
    await expect(call("file.read", { path: `${VALUES.answer}/x` })).rejects.toThrow(/\[secret answer\]/);
    await expect(call("file.read", { path: `${VALUES.answer}/x` })).rejects.not.toThrow(/canary/);
  });

  test("X4 a result that cannot be searched is withheld", async () => {
    const failing = secretsOf(VALUES);
    const mask = {
      ...failing.mask,
      reach: 0,
      bytes: Buffer.from,
      text: String,
      json: () => {
        throw new Error(VALUES.token);
      },
    };
    const there = bench({ secrets: { ...failing, mask: mask as unknown as Secrets["mask"] } });
    await expect(there.call("file.list", {})).rejects.toMatchObject({
      code: "withheld",
      message: "the result is withheld: it could not be searched for secrets",
    });
  });
});
