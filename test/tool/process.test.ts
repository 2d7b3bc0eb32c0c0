import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/capability/layer.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type Backend, probeBwrap } from "../../src/tool/process/backend.ts";
import { type Bench, type BenchOptions, bench, layer, NODE, UNCONFINED } from "./kit.ts";

const probe = await probeBwrap();
const backends: readonly { readonly name: string; readonly backend: Backend; readonly absent?: string }[] = [
  { name: "unconfined", backend: UNCONFINED },
  "program" in probe
    ? { name: "bwrap", backend: { name: "bwrap", program: probe.program } }
    : { name: `bwrap (skipped: ${probe.absent})`, backend: UNCONFINED, absent: probe.absent },
];
const signal = new AbortController().signal;
/** A time to sleep that no other process on the machine asks for. */
const SLEEP = 1_000_000 + process.pid;

interface Result {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly ended: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly notes: readonly string[];
}

const anything = (parts: Partial<Layer> = {}) =>
  layer({
    process: {
      deny: [],
      allow: Array.from({ length: 8 }, (_, words) => ["*", ...Array.from({ length: words }, () => "*")]),
      network: "none",
    },
    ...parts,
  });

describe.for(backends)("process.run, $name", ({ backend, absent }) => {
  const on = (options: BenchOptions = {}) => bench({ backend, layers: [anything()], ...options });
  const it = test.skipIf(absent !== undefined);
  async function run({ call }: Bench, argv: readonly string[], more: JsonObject = {}, stop = signal): Promise<Result> {
    return (await call("process.run", { argv, ...more }, stop)) as unknown as Result;
  }

  it("runs a command without a shell and gives what came of it", async () => {
    const there = on();
    expect(await run(there, ["printf", "%s|", "a b", "$HOME", "*", ";ls"])).toEqual({
      exitCode: 0,
      signal: null,
      ended: "by-itself",
      stdout: "a b|$HOME|*|;ls|",
      stderr: "",
      backend: backend.name,
      files: "direct",
      network: "none",
      notes: backend.name === "unconfined" ? ["UNCONFINED: for a test"] : [],
    });
    expect(await run(there, ["sh", "-c", "echo out; echo err >&2; exit 7"])).toMatchObject({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  it("gives the command its own name, the words and stdin", async () => {
    const there = on();
    expect((await run(there, ["sh", "-c", "echo $0", "named"])).stdout).toBe("named\n");
    expect((await run(there, ["cat"], { stdin: "é\n" })).stdout).toBe("é\n");
    expect((await run(there, ["true"], { stdin: "x".repeat(1_000_000) })).exitCode).toBe(0);
    // bash knows that it was called sh by its name alone.
    symlinkSync("/bin/bash", join(there.folder, "sh"));
    const posix = on({ path: [there.folder] });
    expect((await run(posix, ["sh", "-c", "shopt -qo posix && echo posix"])).stdout).toBe("posix\n");
  });

  it("X1 gives the command a clean environment", async () => {
    process.env.PINION_TEST_SECRET = "hunter2";
    const { stdout } = await run(on(), ["env"]);
    const variables = Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=", 2)),
    );
    expect(Object.keys(variables).sort()).toEqual(["HOME", "LANG", "PATH", "TMPDIR"]);
    expect(variables).toMatchObject({ LANG: "C.UTF-8", HOME: variables.TMPDIR });
    delete process.env.PINION_TEST_SECRET;
  });

  it("gives the command a private folder that is gone afterwards", async () => {
    const there = on();
    expect((await run(there, ["sh", "-c", 'echo x > "$TMPDIR/a" && cat "$HOME/a"'])).stdout).toBe("x\n");
    expect((await run(there, ["sh", "-c", 'test -e "$TMPDIR/a"'])).exitCode).toBe(1);
    expect(readdirSync(join(there.folder, "temporary"))).toEqual([]);
  });

  it("runs in a directory of the workspace, and in no other", async () => {
    const there = on();
    mkdirSync(there.at("d"));
    symlinkSync("/etc", there.at("link"));
    writeFileSync(there.at("d/file"), "x");
    expect((await run(there, ["ls"], { cwd: "d" })).stdout).toBe("file\n");
    expect((await run(there, ["ls"])).stdout).toBe("d\nlink\n");
    for (const cwd of ["..", "/etc", "link", "missing", "d/file"])
      await expect(run(there, ["ls"], { cwd })).rejects.toThrow();
  });

  it("runs Node, with the name of a script behind a `#!` line as well", async () => {
    const there = on();
    expect((await run(there, ["node", "-p", "process.version"])).stdout.trim()).toBe(process.version);
    const bin = join(there.folder, "bin");
    mkdirSync(bin);
    for (const [name, text] of [
      ["direct", `#!/bin/sh -e\necho "direct $1"\n`],
      ["found", `#!/usr/bin/env node\nconsole.log("found", process.argv[2])\n`],
      ["split", `#!/usr/bin/env -S node --no-warnings\nconsole.log("split", process.execArgv[0], process.argv[2])\n`],
    ] as const) {
      writeFileSync(join(bin, name), text, { mode: 0o755 });
    }
    const scripts = on({ path: [bin, NODE, "/usr/bin", "/bin"] });
    expect((await run(scripts, ["direct", "a"])).stdout).toBe("direct a\n");
    expect((await run(scripts, ["found", "a"])).stdout).toBe("found a\n");
    expect((await run(scripts, ["split", "a"])).stdout).toBe("split --no-warnings a\n");
  });

  it("keeps the beginning and the end of long output, and never waits for a reader", async () => {
    const there = on({ limits: { outputBytes: 1000 } });
    const { stdout, stderr } = await run(there, ["sh", "-c", "seq 1 100000; seq 1 100000 >&2"]);
    for (const text of [stdout, stderr]) {
      expect(text).toMatch(/^1\n2\n/);
      expect(text).toMatch(/\n\[\d+ bytes left out\]\n/);
      expect(text).toMatch(/100000\n$/);
      expect(text.length).toBeLessThan(1100);
    }
  });

  it("kills a command that takes too long, with what it started", async () => {
    const there = on();
    const script = `sleep ${SLEEP} & (setsid sleep ${SLEEP} &) ; echo started; echo $$ > pid; wait`;
    const result = await run(there, ["sh", "-c", script], { timeoutMs: 500 });
    expect(result).toMatchObject({ ended: "timeout", stdout: "started\n" });
    await nobodyLeft(there);
  });

  it("kills everything when the call is cancelled", async () => {
    const there = on();
    const controller = new AbortController();
    const running = run(there, ["sh", "-c", `sleep ${SLEEP} & touch ready; wait`], {}, controller.signal);
    while (!existsSync(there.at("ready"))) await setTimeout(5);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
    await nobodyLeft(there);
    await expect(run(there, ["true"], {}, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });

  it("R21 children that outlive the command are killed: in the background, in a session of their own, forked twice", async () => {
    const there = on();
    const script = `sleep ${SLEEP} & setsid sleep ${SLEEP} & (setsid sh -c '(sleep ${SLEEP} > /dev/null 2>&1 &) ' > /dev/null 2>&1 &); echo done`;
    const { stdout, ended } = await run(there, ["sh", "-c", script]);
    expect({ stdout, ended }).toEqual({ stdout: "done\n", ended: "by-itself" });
    await nobodyLeft(there);
  });

  it("R21 a command that multiplies is stopped", async () => {
    const there = on({ limits: { processes: 40 } });
    const script = `i=0; while [ $i -lt 200 ]; do sleep ${SLEEP} & i=$((i+1)); done; wait`;
    const { ended, stderr } = await run(there, ["sh", "-c", script], { timeoutMs: 20_000 });
    // Where the system enforces the limit itself, the command is told; otherwise it is ended.
    if (ended !== "too-many-processes") expect(stderr).toMatch(/fork/i);
    await nobodyLeft(there);
  });

  it("limits the size of files", async () => {
    const there = on({ limits: { fileBytes: 10_240 } });
    const { exitCode, signal: why } = await run(there, ["sh", "-c", "head -c 1000000 /dev/zero > big"]);
    expect([exitCode, why]).not.toEqual([0, null]);
    expect(readFileSync(there.at("big")).length).toBeLessThanOrEqual(10_240);
  });

  it("A4 swapped binary: what was resolved is what runs, or nothing", async () => {
    const there = on();
    const bin = join(there.folder, "bin");
    mkdirSync(bin);
    copyFileSync("/usr/bin/true", join(bin, "tool"));
    const swapped = on({ path: [bin, "/usr/bin"] });
    const request = { tool: "process.run", arguments: { argv: ["tool"] } };
    const resolution = await swapped.box.resolve(request, signal);
    expect(resolution).toMatchObject({
      executable: { path: join(bin, "tool"), digest: digestOf(readFileSync("/usr/bin/true")) },
      cwd: { path: "." },
      backend: backend.name,
      files: "direct",
      network: "none",
    });
    copyFileSync("/usr/bin/false", join(bin, "other"));
    renameSync(join(bin, "other"), join(bin, "tool"));
    await expect(swapped.box.perform(request, resolution, signal)).rejects.toMatchObject({
      code: "resolution-changed",
    });
  });

  it("A4 a binary that is written into between being judged and run is refused, however its times are set", async () => {
    const there = on();
    const bin = join(there.folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "tool"), "#!/bin/sh\necho good\n", { mode: 0o755 });
    const swapped = on({ path: [bin, "/usr/bin"] });
    const request = { tool: "process.run", arguments: { argv: ["tool"] } };
    const resolution = await swapped.box.resolve(request, signal);
    writeFileSync(join(bin, "tool"), "#!/bin/sh\necho evil\n", { mode: 0o755 });
    await expect(swapped.box.perform(request, resolution, signal)).rejects.toMatchObject({
      code: "resolution-changed",
    });
  });

  it("A4 a name that comes to stand for another file, through a link or earlier on the path, is refused", async () => {
    const there = on();
    const [early, late] = [join(there.folder, "early"), join(there.folder, "late")];
    mkdirSync(early);
    mkdirSync(late);
    symlinkSync("/usr/bin/true", join(late, "tool"));
    const swapped = on({ path: [early, late, "/usr/bin"] });
    const request = { tool: "process.run", arguments: { argv: ["tool"] } };
    const resolution = await swapped.box.resolve(request, signal);
    expect(resolution).toMatchObject({ executable: { path: "/usr/bin/true" } });
    symlinkSync("/usr/bin/false", join(early, "tool"));
    await expect(swapped.box.perform(request, resolution, signal)).rejects.toMatchObject({
      code: "resolution-changed",
    });
  });

  it("A4 a swapped interpreter or working directory is refused", async () => {
    const there = on();
    const bin = join(there.folder, "bin");
    mkdirSync(bin);
    mkdirSync(there.at("d"));
    writeFileSync(join(bin, "tool"), "#!/usr/bin/env shell\n", { mode: 0o755 });
    symlinkSync("/bin/dash", join(bin, "shell"));
    const swapped = on({ path: [bin, "/usr/bin"] });
    const request = { tool: "process.run", arguments: { argv: ["tool"] } };
    const resolution = await swapped.box.resolve(request, signal);
    expect(resolution).toMatchObject({ executable: { interpreter: { digest: expect.stringMatching(/^sha256:/) } } });
    symlinkSync("/bin/bash", join(bin, "next"));
    renameSync(join(bin, "next"), join(bin, "shell"));
    await expect(swapped.box.perform(request, resolution, signal)).rejects.toMatchObject({
      code: "resolution-changed",
    });

    const inside = { tool: "process.run", arguments: { argv: ["ls"], cwd: "d" } };
    const before = await there.box.resolve(inside, signal);
    renameSync(there.at("d"), there.at("old"));
    mkdirSync(there.at("d"));
    await expect(there.box.perform(inside, before, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });

  it("A7 a wrapper is allowed only word for word", async () => {
    const strict = bench({
      backend,
      layers: [layer({ process: { allow: [["sh", "-c", "echo ok"]], deny: [], network: "none" } })],
    });
    expect((await run(strict, ["sh", "-c", "echo ok"])).stdout).toBe("ok\n");
    await expect(run(strict, ["sh", "-c", "echo no"])).rejects.toThrow(/denied: policy test@1.0.0: process.allow/);
    await expect(run(strict, ["sh", "-c", "echo ok", "x"])).rejects.toThrow(/denied/);
  });

  it("refuses commands that are no plain names, no programs, or that borrow rights", async () => {
    const there = on();
    const bin = join(there.folder, "bin");
    mkdirSync(bin);
    copyFileSync("/usr/bin/true", join(bin, "setuid"));
    chmodSync(join(bin, "setuid"), 0o4755);
    writeFileSync(join(bin, "text"), "echo hi\n", { mode: 0o755 });
    writeFileSync(join(bin, "plain"), "#!/bin/sh\n", { mode: 0o644 });
    writeFileSync(join(bin, "nested"), "#!/usr/bin/env text2\n", { mode: 0o755 });
    writeFileSync(join(bin, "text2"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(bin, "lost"), "#!/no/such/thing\n", { mode: 0o755 });
    writeFileSync(join(bin, "odd"), "#!/usr/bin/env A=1 sh\n", { mode: 0o755 });
    writeFileSync(join(bin, "a=b"), "#!/bin/sh\n", { mode: 0o755 });
    mkdirSync(join(bin, "folder"));
    const bad = on({ path: [bin, "/usr/bin", "/bin"] });
    for (const [name, code] of [
      ["/bin/ls", "bad-command"],
      ["./ls", "bad-command"],
      ["../ls", "bad-command"],
      ["", "bad-command"],
      [".", "bad-command"],
      ["a=b", "bad-command"],
      ["no-such-command", "not-found"],
      ["setuid", "set-user-id"],
      ["text", "not-executable"],
      ["plain", "not-executable"],
      ["folder", "not-executable"],
      ["nested", "not-executable"],
      ["odd", "not-executable"],
      ["lost", "not-found"],
    ] as const) {
      await expect(run(bad, [name]), name).rejects.toMatchObject({ code });
    }
    await expect(run(bad, ["ls", "a\0b"])).rejects.toMatchObject({ code: "bad-command" });
  });

  it("a command line that is too long for the system is an error for the agent", async () => {
    const there = bench({
      backend,
      layers: [
        layer({ process: { allow: [["true", ...Array.from({ length: 50 }, () => "*")]], deny: [], network: "none" } }),
      ],
    });
    const words = Array.from({ length: 50 }, () => "x".repeat(65_000));
    await expect(run(there, ["true", ...words])).rejects.toMatchObject({ code: "not-started" });
  });

  it("N3 leaves no descriptor, process or folder behind", async () => {
    const there = on({ path: ["/usr/bin", "/bin"] });
    await run(there, ["true"]);
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 5; round++) {
      await run(there, ["true"]);
      await expect(run(there, ["true"], { cwd: "missing" })).rejects.toThrow();
      await expect(run(there, ["no-such-command"])).rejects.toThrow();
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
    expect(readdirSync(join(there.folder, "temporary"))).toEqual([]);
  });

  it("passes on no descriptor that this process inherited", async () => {
    const { stdout } = await run(on(), ["sh", "-c", "ls -l /proc/self/fd"]);
    expect(stdout).not.toMatch(/workspace|bash_jobs|\.sock/);
    const numbers = [...stdout.matchAll(/ (\d+) -> (.*)/g)].filter(
      ([, , target]) => target !== "/dev/null" && !/\/proc\/|\/(ls|sh|dash)$/.test(target ?? ""),
    );
    expect(numbers.map(([, fd]) => fd)).toEqual(["0", "1", "2"]);
  });
});

/** Waits until no process of the bench is left; fails when one stays. */
async function nobodyLeft(there: Bench): Promise<void> {
  const left = () =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          return (
            readFileSync(`/proc/${pid}/environ`, "latin1").includes(there.folder) ||
            readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\u0000${SLEEP}\u0000`
          );
        } catch {
          return false;
        }
      });
  for (let round = 0; left().length > 0; round++) {
    if (round === 200) expect(left()).toEqual([]);
    await setTimeout(5);
  }
}
