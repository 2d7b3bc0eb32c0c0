import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Layer } from "../../src/capability/layer.ts";
import type { ProcessTree } from "../../src/tool/ports.ts";
import { type Backend, chooseBackend, probeBwrap } from "../../src/tool/process/backend.ts";

import { openFilter } from "../../src/tool/process/filter.ts";
import { attempt } from "../../src/tool/process/namespaces.ts";

import { openSeal } from "../../src/tool/process/seal.ts";
import { directTree } from "../../src/tool/process/tree/direct.ts";
import { openHostDirectory } from "../../src/vfs/host.ts";

import { type Bench, type BenchOptions, bench, layer } from "./kit.ts";

const probe = await probeBwrap();
const { seal } = "program" in probe ? await openSeal(probe.program) : { seal: undefined };
/** A time to sleep that no other process on the machine asks for. */
const SLEEP = 1_000_000 + process.pid;
const it = test.skipIf("absent" in probe);
const why = "absent" in probe ? ` (skipped: ${probe.absent})` : "";

const on = (
  filesystem: Layer["filesystem"] = { read: ["**"], write: ["**"], deny: [] },
  options: BenchOptions = {},
): Bench => {
  const backend: Backend = { name: "bwrap", program: "program" in probe ? probe.program : "" };
  return bench({
    backend,
    ...(seal === undefined ? {} : { seal }),
    layers: [layer({ filesystem, process: { allow: [["sh", "-c", "*"]], deny: [], network: "none" } })],
    ...options,
  });
};
async function shell(
  { call }: Bench,
  script: string,
  cwd = ".",
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return (await call("process.run", { argv: ["sh", "-c", script], cwd })) as {
    exitCode: number;
    stdout: string;
    stderr: string;
  };
}

describe(`a process under bwrap${why}`, () => {
  it("has no network, not even the loopback of the host", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const node = `require("net").connect(${port}, "127.0.0.1").on("error", (e) => console.log(e.code))`;
    expect((await shell(on(), `node -e '${node}'`)).stdout).toBe("ECONNREFUSED\n");
    await new Promise((resolve) => server.close(resolve));
  });

  it("sees the system's programs and the workspace, and nothing else of the host", async () => {
    const there = on(undefined, { path: ["/usr/bin", "/bin"] });
    writeFileSync(join(there.folder, "outside"), "outside");
    const { stdout } = await shell(
      there,
      `ls /; ls /home /root /var ${homedir()} ${there.folder}; cat /etc/shadow; id -u; hostname`,
    );
    expect(stdout).toContain("workspace");
    expect(stdout).not.toMatch(/^(home|root|var|srv|work|mnt|opt)$/m);
    expect(stdout).not.toContain("outside");
    expect(stdout).toMatch(/pinion\n$/);
  });

  it("cannot change the system, keep privileges, or see other processes", async () => {
    const script =
      "touch /usr/x /etc/x /x /dev/x /run/pinion/x 2>/dev/null; ls /x /usr/x /dev/x 2>/dev/null; grep -E 'CapEff|NoNewPrivs' /proc/self/status; ls /proc | grep -c '^[0-9]'";
    const { stdout } = await shell(on(), script);
    expect(stdout).toMatch(/^CapEff:\t0000000000000000\nNoNewPrivs:\t1\n[1-9]\n$/);
  });

  it("H6 what is executed is not written through its own descriptors, whoever owns it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pinion-own-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const write = "for fd in 3 4 8; do { echo x >>/proc/self/fd/$fd; } 2>&1; done; chmod 777 /proc/self/fd/3 2>&1";
    const script = `#!${join(folder, "own")}\nexec 8</proc/self/exe 2>&1\n${write}\n`;
    copyFileSync("/bin/sh", join(folder, "own"));
    writeFileSync(join(folder, "script"), script, { mode: 0o755 });
    const before = readFileSync(join(folder, "own"));
    const process = { allow: [["own", "-c", "*"], ["script"]], deny: [], network: "none" } as const;
    const path = [folder, "/usr/bin", "/bin"];
    const { call } = on(undefined, { path, layers: [layer({ process })] });
    // No image is busy any more once another program runs in its place.
    const own = await call("process.run", { argv: ["own", "-c", `exec 8</proc/self/exe; exec /bin/sh -c '${write}'`] });
    const other = await call("process.run", { argv: ["script"] });
    expect(`${JSON.stringify(own)}${JSON.stringify(other)}`.match(/Read-only file system/g)).toHaveLength(5);
    expect(readFileSync(join(folder, "own")).equals(before)).toBe(true);
    expect(readFileSync(join(folder, "script"), "utf8")).toBe(script);
  });

  it("writes only where a rule allows a whole folder or an existing file", async () => {
    const there = on({ read: ["**"], write: ["REVIEW.md", "out/**", "*.log", "missing/**"], deny: [] });
    mkdirSync(there.at("out"));
    writeFileSync(there.at("REVIEW.md"), "");
    writeFileSync(there.at("code"), "code");
    const { stderr } = await shell(
      there,
      "echo a > REVIEW.md; echo b > out/b; echo c > code; echo d > new; echo e > x.log; mkdir missing; ln -s / link",
    );
    expect(stderr.match(/Read-only/g)).toHaveLength(5);
    expect(readFileSync(there.at("REVIEW.md"), "utf8")).toBe("a\n");
    expect(readFileSync(there.at("out/b"), "utf8")).toBe("b\n");
    expect(readFileSync(there.at("code"), "utf8")).toBe("code");
  });

  it("A12 a sibling tool: what `file.read` may not read, a process does not see", async () => {
    const there = on({ read: ["**"], write: ["**"], deny: ["secrets/**", "**/*.key", "deep/*/token"] });
    for (const folder of ["Secrets", "src", "deep/a"]) mkdirSync(there.at(folder), { recursive: true });
    for (const file of ["Secrets/s", "src/x.key", "src/X.KEY", "src/ok", "deep/a/token", "top.key"])
      writeFileSync(there.at(file), `hidden ${file}`);
    symlinkSync("../Secrets/s", there.at("src/link"));
    const { stdout } = await shell(
      there,
      "cat Secrets/s src/x.key src/X.KEY deep/a/token top.key src/link 2>/dev/null; cat src/ok; touch Secrets/new",
    );
    expect(stdout).toBe("hidden src/ok");
    expect(existsSync(there.at("Secrets/new"))).toBe(false);
    expect(readFileSync(there.at("Secrets/s"), "utf8")).toBe("hidden Secrets/s");
  });

  it("A12 a workspace below a folder that is shown anyway is not shown past its rules", async () => {
    const filesystem = { read: ["**"], write: [], deny: ["secret"] };
    const above = mkdtempSync(join(tmpdir(), "pinion-above-"));
    onTestFinished(() => rmSync(above, { recursive: true }));
    const there = on(filesystem, { folder: above, readable: [above] });
    writeFileSync(there.at("secret"), "hidden");
    writeFileSync(join(above, "beside"), "shown");
    expect((await shell(there, `cat ${above}/beside ${there.at("secret")} secret; ls ${there.at("")}`)).stdout).toBe(
      "shown",
    );
    mkdirSync(there.at("bin"));
    writeFileSync(there.at("bin/tool"), "#!/bin/sh\n", { mode: 0o755 });
    const within = on(filesystem, { folder: above, readable: [above], path: [there.at("bin"), "/usr/bin"] });
    expect((await shell(within, `tool; cat ${there.at("secret")}; ls ${there.at("")}`)).stdout).toBe("bin\n");
  });

  it("H4 a directory keeps its name where what is denied in it would not be denied under another one", async () => {
    const there = on({ read: ["**"], write: ["**"], deny: ["a/b/secret/**", "a/.env"] });
    mkdirSync(there.at("a/b/secret"), { recursive: true });
    for (const path of ["a/b/secret/key", "a/.env"]) writeFileSync(there.at(path), "secret");
    const script =
      "mv a c; mv a/b a/c; mv a/b d; mkdir e; mv e f; find . -type f; cat c/.env a/c/secret/key d/secret/key";
    const { stdout } = await shell(there, script);
    expect(stdout).not.toContain("secret");
    const files = readdirSync(there.at("."), { recursive: true }).map(String);
    expect(files.filter((path) => /key|env/.test(path)).sort()).toEqual(["a/.env", "a/b/secret/key"]);
    expect(files).toContain("f");
  });

  it("H3 a folder that another process replaces by a link, once it was judged, is not shown", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pinion-swap-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const at = (path: string): string => join(folder, "workspace", path);
    for (const path of [at("src"), join(folder, "outside")]) mkdirSync(path, { recursive: true });
    writeFileSync(join(folder, "outside/key"), "secret");
    const direct = directTree(openHostDirectory(at("."), { actions: ["read"] }));
    const tree: ProcessTree = {
      ...direct,
      async open(signal) {
        const opened = await direct.open(signal);
        const wrap = (command: readonly string[]) => {
          renameSync(at("src"), at("old"));
          symlinkSync(join(folder, "outside"), at("src"));
          return command;
        };
        return { ...opened, wrap };
      },
    };
    const there = on({ read: ["src/**"], write: ["src/**"], deny: [] }, { folder, tree });
    await expect(shell(there, "cat src/key; echo x >src/x")).rejects.toMatchObject({ code: "resolution-changed" });
    expect(readdirSync(join(folder, "outside"))).toEqual(["key"]);
  });

  it("H6 cannot change the program that confines it, also where it belongs to whoever runs it", async () => {
    // To what they are already: where nothing keeps the command from it, nothing has happened.
    const { stdout, stderr } = await shell(on(), 'chmod "$(stat -Lc %a /proc/1/exe)" /proc/1/exe && echo changed');
    expect(stdout).toBe("");
    expect(stderr).toMatch(/Read-only file system|not permitted|Permission denied/);
  });

  it("sees only the parts that may be read", async () => {
    const there = on({ read: ["src/**", "package.json", "docs/*.md"], write: ["src/gen/**", "other/**"], deny: [] });
    for (const folder of ["src/gen", "docs", "other"]) mkdirSync(there.at(folder), { recursive: true });
    for (const file of ["src/a", "package.json", "docs/a.md", "other/b", "c"]) writeFileSync(there.at(file), file);
    const { stdout } = await shell(there, "find . -type f | sort; echo new > src/gen/x; echo no > other/x");
    expect(stdout).toBe("./package.json\n./src/a\n");
    expect(readFileSync(there.at("src/gen/x"), "utf8")).toBe("new\n");
    expect(existsSync(there.at("other/x"))).toBe(false);
    expect((await shell(there, "pwd; ls", "src")).stdout).toBe("/workspace/src\na\ngen\n");
  });

  it("H2 a link in place of a folder that may be given is not followed by the mount", async () => {
    const there = on({ read: ["src/**"], write: ["src/**"], deny: [] });
    mkdirSync(join(there.folder, "outside"));
    writeFileSync(join(there.folder, "outside/secret"), "outside");
    symlinkSync("../outside", there.at("src"));
    expect((await shell(there, "ls -A . src; cat src/secret")).stdout).not.toContain("secret");
  });

  it("reaches a folder named by a link only as far as it is visible", async () => {
    const there = on();
    writeFileSync(join(there.folder, "outside"), "outside");
    symlinkSync("../outside", there.at("up"));
    symlinkSync("/etc/passwd", there.at("etc"));
    const { stdout } = await shell(there, "cat up; cat etc | head -c 4");
    expect(stdout).not.toContain("outside");
  });

  it("a name space that cannot be set up is an error that names no host path", async () => {
    const there = on();
    const broken = bench({
      backend: { name: "bwrap", program: "/bin/false" },
      layers: [layer({ process: { allow: [["true"]], deny: [], network: "none" } })],
    });
    await expect(broken.call("process.run", { argv: ["true"] })).rejects.toMatchObject({ code: "not-started" });
    const missing = bench({
      backend: { name: "bwrap", program: "/no/such/bwrap" },
      layers: [layer({ process: { allow: [["true"]], deny: [], network: "none" } })],
    });
    await expect(missing.call("process.run", { argv: ["true"] })).rejects.toMatchObject({
      code: "not-started",
      message: expect.not.stringContaining(there.folder),
    });
  });

  it("N4 dies with Pinion, also when Pinion is killed", async () => {
    const there = on();
    const pinion = spawn(process.execPath, ["--input-type=module-typescript", "-e", PINION, there.folder]);
    try {
      await until(() => existsSync(there.at("ready")) && sleepers().length === 1);
    } finally {
      pinion.kill("SIGKILL");
    }
    await until(() => sleepers().length === 0);
  });
});

/** Looks again until it is so; fails after some seconds. */
async function until(isSo: () => boolean): Promise<void> {
  for (let round = 0; !isSo(); round++) {
    if (round === 1000) throw new Error("it did not become so");
    await setTimeout(10);
  }
}

/** Runs a command that never ends. */
const PINION = `
  import { NO_GRANTS } from "${process.cwd()}/src/capability/layer.ts";
  import { effectivePermission } from "${process.cwd()}/src/capability/permission.ts";
  import { NO_SECRETS } from "${process.cwd()}/src/tool/secrets/none.ts";
  import { PROCESS_LIMITS } from "${process.cwd()}/src/tool/process/limits.ts";
  import { processRun } from "${process.cwd()}/src/tool/process/run.ts";
  import { openSeal } from "${process.cwd()}/src/tool/process/seal.ts";
  import { directTree } from "${process.cwd()}/src/tool/process/tree/direct.ts";
  import { openHostDirectory } from "${process.cwd()}/src/vfs/host.ts";
  const folder = process.argv[1];
  const argv = ["sh", "-c", "touch ready; sleep ${SLEEP}"];
  const authority = effectivePermission([{
    ...NO_GRANTS, name: "test", filesystem: { read: ["**"], write: ["**"], deny: [] },
    process: { allow: [argv], deny: [], network: "none" },
  }]);
  const { seal } = await openSeal("/usr/bin/bwrap");
  const workspace = openHostDirectory(folder + "/workspace", { actions: ["read", "write"] });
  const tool = processRun({
    workspace, tree: directTree(workspace), network: { reach: "none", notes: [], wrap: (line) => line }, notes: [], seal,
    authority, backend: { name: "bwrap", program: "/usr/bin/bwrap" }, path: ["/usr/bin", "/bin"], readable: [],
    temporary: folder, limits: PROCESS_LIMITS, mask: NO_SECRETS.mask, secrets: () => folder,
  }, Date.now);
  await (await tool.prepare({ argv }, { signal: new AbortController().signal })).act();
`;

function sleepers(): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\u0000${SLEEP}\u0000`;
    } catch {
      return false;
    }
  });
}

describe("the choice of a backend", () => {
  const present = { program: "/usr/bin/bwrap" };
  const absent = { absent: "`/usr/bin/bwrap` is not installed" };

  test("takes the first preference that the machine has", () => {
    expect(chooseBackend(["bwrap", "unconfined"], present)).toEqual({ name: "bwrap", program: "/usr/bin/bwrap" });
    expect(chooseBackend(["bwrap"], present).name).toBe("bwrap");
  });

  test("falls back to unconfined only where that is listed, and says so loudly", () => {
    const chosen = chooseBackend(["bwrap", "unconfined"], absent);
    expect(chosen).toMatchObject({ name: "unconfined", notice: expect.stringMatching(/^UNCONFINED: .*not installed/) });
    expect(() => chooseBackend(["bwrap"], absent)).toThrow(/cannot be confined.*not installed/);
    expect(() => chooseBackend([], present)).toThrow(/lists no backend/);
  });

  test("a program that is there but fails is not taken", async () => {
    expect(await probeBwrap("/no/such/bwrap")).toEqual({ absent: "`/no/such/bwrap` is not installed" });
    expect(await probeBwrap("/bin/false")).toMatchObject({ absent: expect.stringContaining("not permitted") });
  });

  test("N4 what a killed one leaves behind is not waited for", { timeout: 9000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "pinion-killed-"));
    const program = join(folder, "bwrap");
    writeFileSync(program, "#!/bin/sh\nsleep 15 &\nkill -9 $$\n", { mode: 0o755 });
    try {
      expect(await probeBwrap(program)).toHaveProperty("absent");
      expect(await openFilter(program, folder)).toHaveProperty("absent");
      expect(await attempt([program])).toHaveProperty("failure");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
