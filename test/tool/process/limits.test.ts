import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Backend, probeBwrap } from "../../../src/tool/process/backend.ts";
import { openGroup, probeGroups } from "../../../src/tool/process/cgroup.ts";
import { type BenchOptions, bench, layer, UNCONFINED } from "../kit.ts";

const bwrap = await probeBwrap();
const groups = probeGroups();
const backends: readonly { readonly name: string; readonly backend: Backend; readonly absent?: string }[] = [
  { name: "unconfined", backend: UNCONFINED },
  "program" in bwrap
    ? { name: "bwrap", backend: { name: "bwrap", program: bwrap.program } }
    : { name: `bwrap (skipped: ${bwrap.absent})`, backend: UNCONFINED, absent: bwrap.absent },
];

interface Result {
  readonly exitCode: number | null;
  readonly ended: string;
  readonly stdout: string;
  readonly stderr: string;
}

describe.for(backends)("the limits of a command, $name", ({ backend, absent }) => {
  const it = test.skipIf(absent !== undefined);
  const on = (limits: BenchOptions["limits"], more: BenchOptions = {}) =>
    bench({
      backend,
      limits: { timeoutMs: 60_000, ...limits },
      layers: [
        layer({
          process: {
            deny: [],
            allow: [
              ["sh", "-c", "*"],
              ["node", "-e", "*"],
            ],
            network: "none",
          },
        }),
      ],
      ...more,
    });
  const shell = async (limits: BenchOptions["limits"], script: string, more?: BenchOptions): Promise<Result> =>
    (await on(limits, more).call("process.run", { argv: ["sh", "-c", script] })) as unknown as Result;

  it("R1 processor time is that of all its processes together", async () => {
    const spin = "while :; do :; done";
    expect((await shell({ cpuMs: 300 }, spin)).ended).toBe("cpu");
    expect((await shell({ cpuMs: 900 }, `for i in 1 2 3 4 5 6; do (${spin}) & done; wait`)).ended).toBe("cpu");
  });

  it("R1 processor time of children that ended counts, also of many short ones", async () => {
    const short = "i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done";
    expect((await shell({ cpuMs: 600 }, `while :; do (${short}); done`)).ended).toBe("cpu");
  });

  it("R3 memory is that of all its processes together", async () => {
    const grow = "const kept = []; setInterval(() => kept.push(Buffer.alloc(8_000_000, 1)), 5)";
    const memory = { memoryBytes: 192 * 1024 ** 2 };
    expect((await shell(memory, `node -e '${grow}'`)).ended).toBe("memory");
    const hold = `node -e 'const kept = Buffer.alloc(140_000_000, 1); setInterval(() => kept, 1000)'`;
    expect((await shell(memory, `${hold} & ${hold} & wait`)).ended).toBe("memory");
  });

  it("R3 a single process gets little more than all may have, however fast it is", async () => {
    const script =
      "const kept = []; try { for (;;) kept.push(Buffer.alloc(200_000_000, 1)); } catch { console.log(kept.length); }";
    const { ended, stdout } = await shell({ memoryBytes: 64 * 1024 ** 2 }, `node -e '${script}'`);
    // Either it was seen in time, or the system gave it no more than its own, somewhat larger limit.
    expect(ended === "memory" || (stdout !== "" && Number(stdout) <= 12)).toBe(true);
  });

  it("a program that reserves room and does not use it is not stopped for it", async () => {
    const script =
      "const room = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); console.log(room.buffer.byteLength)";
    const { ended, stdout } = await shell({ memoryBytes: 256 * 1024 ** 2 }, `node -e '${script}'`);
    expect({ ended, stdout }).toEqual({ ended: "by-itself", stdout: "65536\n" });
  });

  it("a call may ask for less time than the blueprint sets, not for more", async () => {
    const there = on({ timeoutMs: 2_000 });
    const ask = (timeoutMs: number) => there.call("process.run", { argv: ["sh", "-c", "sleep 100"], timeoutMs });
    expect(await ask(100)).toMatchObject({ ended: "timeout" });
    await expect(ask(2_001)).rejects.toMatchObject({ code: "bad-arguments", message: expect.stringContaining("2000") });
  });

  it("R21 processes count, not threads, and those that only confine do not", async () => {
    const { stdout, ended } = await shell({ processes: 2 }, "node -e 'console.log(process.pid > 0)'");
    expect({ stdout, ended }).toEqual({ stdout: "true\n", ended: "by-itself" });
    expect((await shell({ processes: 2 }, "sleep 100 & sleep 100 & wait")).ended).toBe("too-many-processes");
  });

  const grouped = test.skipIf(absent !== undefined || "absent" in groups);
  const why = "absent" in groups ? ` (skipped: ${groups.absent})` : "";
  grouped(
    `R21 a fork bomb that leaves its session at every step is held by its control group and ends quickly${why}`,
    async () => {
      const root = "root" in groups ? groups.root : "";
      const bomb =
        'printf "#!/bin/sh\\nsetsid \\$0 &\\nsetsid \\$0 &\\n" > $TMPDIR/b; chmod +x $TMPDIR/b; $TMPDIR/b; sleep 100';
      const { ended } = await shell({ processes: 30, timeoutMs: 3_000 }, bomb, { groups: root });
      expect(["too-many-processes", "timeout"]).toContain(ended);
      expect(readdirSync(root).filter((name) => name.startsWith(`pinion-${process.pid}-`))).toEqual([]);
    },
  );
});

const why = "absent" in groups ? ` (skipped: ${groups.absent})` : "";
describe(`control groups${why}`, () => {
  const it = test.skipIf("absent" in groups);

  it("a group of a Pinion that was killed is removed by the next one, a used one is not", () => {
    const root = "root" in groups ? groups.root : "";
    const own = openGroup(root, 10);
    expect(probeGroups()).toEqual({ root });
    expect(own.pids()).toEqual([]);
    expect(own.close()).toBe(true);
  });

  it("a machine without them is told why", () => {
    expect(probeGroups([])).toEqual({ absent: "there are no control groups that limit tasks" });
  });
});
