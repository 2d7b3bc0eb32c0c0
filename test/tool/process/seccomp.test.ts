import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { probeBwrap } from "../../../src/tool/process/backend.ts";
import {
  ARCHITECTURES,
  type Architecture,
  CLONE_NEW,
  DENIED,
  FAMILIES,
  JUDGED,
  PERSONALITIES,
  TERMINAL,
  X32,
} from "../../../src/tool/process/calls.ts";
import { openFilter } from "../../../src/tool/process/filter.ts";
import { isFiltered, seccompFilter } from "../../../src/tool/process/seccomp.ts";
import { runs, seed } from "../../support/property.ts";
import { bench, layer } from "../kit.ts";

interface Call {
  readonly number: number;
  readonly audit: number;
  /** Lower and upper half of each argument. */
  readonly arguments: readonly (readonly [low: number, high: number])[];
}

const ALLOW = "allow";
const KILL = "kill";

/** Runs a filter as the kernel does (bpf(4), seccomp(2)), and refuses what its checker would refuse. */
function judge(program: Uint8Array, call: Call): string {
  const bytes = Buffer.from(program);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.audit, 4);
  for (const [index, [low, high]] of call.arguments.entries()) {
    data.writeUInt32LE(low, 16 + 8 * index);
    data.writeUInt32LE(high, 20 + 8 * index);
  }
  let loaded = 0;
  for (let at = 0; at < bytes.length / 8; at++) {
    const [code, value] = [bytes.readUInt16LE(at * 8), bytes.readUInt32LE(at * 8 + 4)];
    const [yes, no] = [bytes.readUInt8(at * 8 + 2), bytes.readUInt8(at * 8 + 3)];
    if (code === 0x20) loaded = data.readUInt32LE(value);
    else if (code === 0x15) at += loaded === value ? yes : no;
    else if (code === 0x45) at += (loaded & value) !== 0 ? yes : no;
    else if (code === 0x06) return answerOf(value);
    else throw new Error(`no such instruction: ${code}`);
  }
  throw new Error("the filter has no end");
}

function answerOf(value: number): string {
  if (value === 0x7fff0000) return ALLOW;
  if (value === 0x80000000) return KILL;
  if (value >>> 16 === 5) return `errno ${value & 0xffff}`;
  throw new Error(`no such answer: ${value}`);
}

/** What the filter should say, from the tables alone. */
function expected(architecture: Architecture, { number, audit, arguments: given }: Call): string {
  const { column, audit: own } = ARCHITECTURES[architecture];
  if (audit !== own) return KILL;
  if (architecture === "x64" && (number & X32) !== 0) return KILL;
  if (Object.values(DENIED).some((numbers) => numbers[column] === number)) return "errno 1";
  const low = (index: number): number => given[index]?.[0] ?? 0;
  if (number === JUDGED.clone3[column]) return "errno 38";
  if (number === JUDGED.clone[column]) return (low(0) & CLONE_NEW) === 0 ? ALLOW : "errno 1";
  if (number === JUDGED.ioctl[column]) return TERMINAL.includes(low(1)) ? "errno 1" : ALLOW;
  if (number === JUDGED.personality[column]) return PERSONALITIES.includes(low(0)) ? ALLOW : "errno 1";
  if (number === JUDGED.socket[column]) return FAMILIES.includes(low(0)) ? ALLOW : "errno 97";
  return ALLOW;
}

describe.for(Object.keys(ARCHITECTURES) as Architecture[])("the filter of system calls for %s", (architecture) => {
  const program = seccompFilter(architecture);
  const { audit, column } = ARCHITECTURES[architecture];
  const known = [...Object.values(DENIED), ...Object.values(JUDGED)].flatMap((numbers) => numbers[column] ?? []);
  const word = fc.oneof(
    fc.constantFrom(...TERMINAL, ...PERSONALITIES, ...FAMILIES, CLONE_NEW, 0x10000000, 17, 0x3d0f00),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  const call = fc.record({
    number: fc.oneof(
      fc.constantFrom(...known),
      fc.integer({ min: 0, max: 600 }),
      fc.integer({ min: 0, max: 0xffffffff }),
    ),
    audit: fc.oneof(
      { weight: 8, arbitrary: fc.constant(audit) },
      fc.constantFrom(0x40000003, 0xc000003e, 0xc00000b7, 0),
    ),
    arguments: fc.array(fc.tuple(word, word), { minLength: 6, maxLength: 6 }),
  });

  test("says to every call what its tables say", () => {
    const property = fc.property(call, (one) => judge(program, one) === expected(architecture, one));
    fc.assert(property, { seed, numRuns: runs(5_000, 500_000) });
  });

  test("is not longer than the kernel takes, and denies every call of the table", () => {
    expect(program.length / 8).toBeLessThanOrEqual(4096);
    const asked = { audit, arguments: [] };
    for (const [name, numbers] of Object.entries(DENIED)) {
      const number = numbers[column];
      if (number !== undefined) expect(judge(program, { ...asked, number }), name).toBe("errno 1");
    }
  });
});

test("there is no filter for other architectures", () => {
  expect(["x64", "arm64", "riscv64", "ia32", "toString"].map(isFiltered)).toEqual([true, true, false, false, false]);
});

const bwrap = await probeBwrap();
const temporary = mkdtempSync(join(tmpdir(), "pinion-filter-test-"));
const probe = "program" in bwrap ? await openFilter(bwrap.program, temporary) : { absent: bwrap.absent };
rmSync(temporary, { recursive: true });
const why = "absent" in probe ? ` (skipped: ${probe.absent})` : "";

describe(`a process behind the filter${why}`, () => {
  const it = test.skipIf("absent" in probe);
  const on = (path: readonly string[] = [join(process.execPath, ".."), "/usr/bin", "/bin"]) =>
    bench({
      backend: { name: "bwrap", program: "program" in bwrap ? bwrap.program : "" },
      ...("filter" in probe ? { filter: probe.filter } : {}),
      layers: [layer({ process: { allow: [["sh", "-c", "*"], ["probe"]], deny: [], network: "none" } })],
      path,
    });
  const shell = async (script: string): Promise<{ readonly stdout: string; readonly stderr: string }> =>
    (await on().call("process.run", { argv: ["sh", "-c", script] })) as { stdout: string; stderr: string };

  it("is denied name spaces, mounts and other processes, whatever tool it takes", async () => {
    for (const tool of [
      "unshare --user true",
      "unshare --mount true",
      "unshare --net true",
      "mount -t tmpfs none /tmp",
      "umount /tmp",
      "nsenter --mount=/proc/1/ns/mnt true",
      "/usr/sbin/chroot /tmp true",
      "setarch --addr-no-randomize true",
      "hostname other",
    ]) {
      const { stdout, stderr } = await shell(`${tool} && echo done`);
      expect(stdout, tool).toBe("");
      expect(stderr, tool).toMatch(/not permitted|denied|superuser|failed|must be root/i);
    }
  });

  it("runs Node with threads and processes, git, npm and sh", async () => {
    const node = `const { Worker } = require("node:worker_threads"); const { execFileSync } = require("node:child_process");
      new Worker("0", { eval: true }).on("exit", () => console.log("thread", String(execFileSync("echo", ["child"])).trim()));`;
    expect((await shell(`node -e '${node}'`)).stdout).toBe("thread child\n");
    const repository =
      "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && git log --format=%s";
    expect((await shell(`command -v git >/dev/null || { echo first; exit; }; ${repository}`)).stdout).toBe("first\n");
    expect((await shell('seq 3 | sort -r | tr "\\n" " "; npm --version | grep -c .')).stdout).toBe("3 2 1 1\n");
  });

  const compiler = ["/usr/bin/cc", "/usr/bin/gcc"].find((path) => existsSync(path));
  const x64 = process.arch === "x64" && compiler !== undefined;
  const needs = x64 ? "" : " (skipped: it takes a C compiler on x64)";
  test.skipIf("absent" in probe || !x64)(`answers each call as its table says, asked by number${needs}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "pinion-probe-c-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "probe.c"), PROBE);
    execFileSync(compiler ?? "", ["-O1", "-o", join(folder, "bin/probe"), join(folder, "probe.c")]);
    const { stdout } = (await on([join(folder, "bin"), "/usr/bin"]).call("process.run", { argv: ["probe"] })) as {
      stdout: string;
    };
    expect(stdout.trim().split("\n")).toEqual([
      ...Object.entries(DENIED).map(([name]) => `${name} 1`),
      "clone3 38",
      "clone NEWUSER 1",
      "personality 0 0",
      "personality NO_RANDOMIZE 1",
      "ioctl TIOCSTI 1",
      "ioctl TIOCLINUX 1",
      "socket UNIX 0",
      "socket VSOCK 97",
      "int80 killed 31",
      "x32 killed 31",
    ]);
  });
});

/** Asks for every call with arguments that could do no harm, and prints what errno says. */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static void show(const char *name, long result) { printf("%s %d\\n", name, result < 0 ? errno : 0); fflush(stdout); }
static void ask(const char *name, long number) { show(name, syscall(number, -1L, -1L, -1L, -1L, -1L, -1L)); }
static void killed(const char *name, int way) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    if (way == 0) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); }
    else syscall(0x40000000 | SYS_getpid);
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("%s killed %d\\n", name, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}
int main(void) {
${Object.entries(DENIED)
  .map(([name, [number]]) => `  ask("${name}", ${number ?? -1});`)
  .join("\n")}
  ask("clone3", 435);
  show("clone NEWUSER", syscall(SYS_clone, 0x10000000L, 0L, 0L, 0L, 0L));
  show("personality 0", syscall(SYS_personality, 0L));
  show("personality NO_RANDOMIZE", syscall(SYS_personality, 0x0040000L));
  show("ioctl TIOCSTI", syscall(SYS_ioctl, 0L, 0x5412L, ""));
  show("ioctl TIOCLINUX", syscall(SYS_ioctl, 0L, 0x541cL, ""));
  show("socket UNIX", syscall(SYS_socket, 1L, 1L, 0L));
  show("socket VSOCK", syscall(SYS_socket, 40L, 1L, 0L));
  killed("int80", 0);
  killed("x32", 1);
  return 0;
}
`;
