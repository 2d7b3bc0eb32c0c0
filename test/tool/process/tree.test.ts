import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/model/json.ts";
import { type Backend, probeBwrap } from "../../../src/tool/process/backend.ts";
import { layer as permissions, UNCONFINED } from "../kit.ts";
import { type Layered, type LayeredOptions, layered, mechanisms } from "../layers.ts";

const bwrap = await probeBwrap();
const backends: readonly { readonly backend: Backend; readonly absent?: string }[] = [
  { backend: UNCONFINED },
  "program" in bwrap
    ? { backend: { name: "bwrap", program: bwrap.program } }
    : { backend: UNCONFINED, absent: bwrap.absent },
];
const cases = (await mechanisms()).flatMap(({ name, probe, absent }) =>
  backends.map((one) => ({ name, probe, backend: one.backend, how: one.backend.name, absent: absent ?? one.absent })),
);
const anyScript = permissions({ process: { allow: [["sh", "-c", "*"]], deny: [], network: "none" } });

interface Result {
  readonly exitCode: number | null;
  readonly ended: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly files: string;
  readonly notes: readonly string[];
}

describe.for(cases)("a process in a merged tree, $name, $how", ({ probe, backend, absent }) => {
  const it = test.skipIf(absent !== undefined);
  const on = (options: Partial<LayeredOptions> = {}) => layered({ probe, backend, layers: [anyScript], ...options });
  async function run({ there }: Layered, script: string, more: JsonObject = {}): Promise<Result> {
    return (await there.call("process.run", { argv: ["sh", "-c", script], ...more })) as unknown as Result;
  }
  const noted = ({ notes }: Result): readonly string[] => notes.filter((note) => !note.startsWith("UNCONFINED"));

  it("sees the layer on top of the workspace, without what the run deleted", async () => {
    const at = await on({
      fill({ base, upper }, layer) {
        mkdirSync(join(base, "d"));
        for (const file of ["kept", "replaced", "gone", "d/old"]) writeFileSync(join(base, file), `base ${file}\n`);
        mkdirSync(join(upper, "d"));
        for (const file of ["replaced", "new", "d/new"]) writeFileSync(join(upper, file), `layer ${file}\n`);
        layer.hide("d");
        layer.hide("gone");
      },
    });
    const result = await run(at, "find . -type f | sort | xargs cat");
    expect(result).toMatchObject({
      stdout: "layer d/new\nbase kept\nlayer new\nlayer replaced\n",
      exitCode: 0,
      files: probe.kind,
    });
    expect(at.layer.absorbed).toEqual([]);
  });

  it("leaves the workspace as it is, and what it changed to the next process", async () => {
    const at = await on({ fill: ({ base }) => writeFileSync(join(base, "a"), "a\n") });
    const before = at.base();
    await run(at, "echo b > b; echo more >> a; mkdir -p d/e; echo c > d/e/c; chmod +x b");
    expect(at.base()).toEqual(before);
    expect(at.merged()).toEqual({ a: "f a\nmore\n", b: "x b\n", d: "d", "d/e": "d", "d/e/c": "f c\n" });
    expect((await run(at, "cat a b d/e/c; rm -r d; rm a")).stdout).toBe("a\nmore\nb\nc\n");
    expect(at.merged()).toEqual({ b: "x b\n" });
    expect(at.base()).toEqual(before);
  });

  it("tells a directory that was made anew from one that was changed", async () => {
    const at = await on({
      fill({ base }) {
        for (const folder of ["anew/inner", "changed/inner", "empty", "emptied"])
          mkdirSync(join(base, folder), { recursive: true });
        for (const file of ["anew/old", "anew/inner/old", "changed/old", "changed/inner/old", "emptied/old"])
          writeFileSync(join(base, file), "");
      },
    });
    await run(
      at,
      "rm -r anew; mkdir -p anew/inner; touch anew/new; touch changed/new changed/inner/new; rmdir empty; mkdir empty; rm -r emptied; mkdir emptied",
    );
    expect(Object.keys(at.merged())).toEqual([
      "anew",
      "anew/inner",
      "anew/new",
      "changed",
      "changed/inner",
      "changed/inner/new",
      "changed/inner/old",
      "changed/new",
      "changed/old",
      "emptied",
      "empty",
    ]);
  });

  it("moves directories of the workspace and of the layer", async () => {
    const at = await on({
      fill({ base, upper }) {
        mkdirSync(join(base, "below/inner"), { recursive: true });
        writeFileSync(join(base, "below/inner/file"), "below\n");
        mkdirSync(join(upper, "above"));
        writeFileSync(join(upper, "above/file"), "above\n");
      },
    });
    expect((await run(at, "mv below moved && mv above moved/inner/above && mv moved/inner/file top")).exitCode).toBe(0);
    expect(at.merged()).toEqual({
      moved: "d",
      "moved/inner": "d",
      "moved/inner/above": "d",
      "moved/inner/above/file": "f above\n",
      top: "f below\n",
    });
  });

  it("keeps links as links, and files and directories that take each other's place", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "folder"));
        writeFileSync(join(base, "folder/inner"), "inner\n");
        writeFileSync(join(base, "file"), "file\n");
        symlinkSync("file", join(base, "link"));
      },
    });
    await run(
      at,
      "rm -r folder; echo now a file > folder; rm file; mkdir file; echo x > file/x; ln -sfn /etc link; ln -s ../nowhere dangling",
    );
    expect(at.merged()).toEqual({
      dangling: "l ../nowhere",
      file: "d",
      "file/x": "f x\n",
      folder: "f now a file\n",
      link: "l /etc",
    });
    await run(at, "rm folder; mkdir folder; rm -r file; echo again > file; rm link; mkdir link; echo y > link/y");
    expect(at.merged()).toEqual({
      dangling: "l ../nowhere",
      file: "f again\n",
      folder: "d",
      link: "d",
      "link/y": "f y\n",
    });
  });

  it("H5 two names of one file become two files", async () => {
    const at = await on({ fill: ({ base }) => writeFileSync(join(base, "old"), "old\n") });
    await run(at, "ln old old2; echo a > one; ln one two; ln one three");
    expect(at.merged()).toEqual({ old: "f old\n", old2: "f old\n", one: "f a\n", three: "f a\n", two: "f a\n" });
    await run(at, "echo b > two");
    expect(at.merged()).toMatchObject({ one: "f a\n", two: "f b\n", three: "f a\n" });
  });

  it("writes into deleted and into unlinked places are forgotten with them", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "d"));
        writeFileSync(join(base, "d/f"), "f\n");
      },
    });
    await run(at, "exec 5>>d/f; rm -r d; echo lost >&5; cd d 2>/dev/null; mkdir d; echo new > d/g");
    expect(at.merged()).toEqual({ d: "d", "d/g": "f new\n" });
  });

  it("H13 takes over ten thousand files", async () => {
    const at = await on();
    const script = 'for d in 0 1 2 3 4 5 6 7 8 9; do mkdir d$d; seq 1 1000 | sed "s|^|d$d/|" | xargs touch; done';
    const { exitCode } = await run(at, script);
    expect(exitCode).toBe(0);
    expect(Object.keys(at.merged())).toHaveLength(10_010);
    await run(at, "rm -r d0 d1/1000; ls | wc -l");
    expect(Object.keys(at.merged())).toHaveLength(10_010 - 1001 - 1);
  });

  it("H14 leaves out FIFOs and sockets, and says so", async () => {
    const at = await on();
    const result = await run(at, "mkfifo d.pipe; mkdir d; mkfifo d/p1 d/p2 d/p3 d/p4; echo x > d/x");
    expect(at.merged()).toEqual({ d: "d", "d/x": "f x\n" });
    expect(noted(result)).toEqual(['devices, FIFOs or sockets are not kept: "d/p1", "d/p2", "d/p3" and 2 more']);
    expect((await run(at, "ls -R")).stdout).not.toContain("pipe");
  });

  it("H1 leaves out names that no path can spell, with all that is in them, and says so", async () => {
    const at = await on();
    const result = await run(
      at,
      `mkdir 'dot.' "$(printf 'a\\nb')"; echo x > 'dot./x'; echo y > "$(printf '\\377')"; echo z > z`,
    );
    expect(at.merged()).toEqual({ z: "f z\n" });
    expect(noted(result)).toHaveLength(1);
    expect(noted(result)[0]).toMatch(/^names that no path can spell are not kept: .*"dot\."/);
  });

  it("takes over files and directories that nobody may read", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "shut"));
        writeFileSync(join(base, "shut/old"), "old\n");
      },
    });
    await run(
      at,
      "echo a > a; chmod 000 a; mkdir -p d/e; echo b > d/e/b; chmod 000 d/e/b d/e d; echo new > shut/new; chmod 000 shut",
    );
    expect(at.merged()).toEqual({
      a: "f a\n",
      d: "d",
      "d/e": "d",
      "d/e/b": "f b\n",
      shut: "d",
      "shut/new": "f new\n",
      "shut/old": "f old\n",
    });
    expect(readdirSync(at.scratch).filter((name) => name !== "scratch-whiteout")).toEqual([]);
  });

  it("H2 a link that a process leaves in place of a directory is not followed when it is taken over", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "d"));
        writeFileSync(join(base, "d/f"), "f\n");
      },
    });
    writeFileSync(join(at.there.folder, "outside"), "outside");
    await run(at, `rm -r d; ln -s ${at.there.folder} d; ln -s ${at.there.folder}/outside out`);
    expect(at.merged()).toEqual({ d: `l ${at.there.folder}`, out: `l ${at.there.folder}/outside` });
  });

  it("keeps what a command left that failed or ran out of time", async () => {
    const at = await on();
    expect(await run(at, "echo x > x; exit 3")).toMatchObject({ exitCode: 3 });
    expect(await run(at, "echo y > y; sleep 100", { timeoutMs: 500 })).toMatchObject({ ended: "timeout" });
    expect(at.merged()).toEqual({ x: "f x\n", y: "f y\n" });
  });

  it("keeps nothing of a command that was cancelled", async () => {
    const at = await on();
    const controller = new AbortController();
    const argv = ["sh", "-c", "echo x > x; sleep 100"];
    const running = at.there.call("process.run", { argv }, controller.signal);
    const wrote = (): boolean =>
      readdirSync(at.scratch).some((name) =>
        ["upper", "tree"].some((folder) => existsSync(join(at.scratch, name, folder, "x"))),
      );
    while (!wrote()) await setTimeout(5);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
    expect(at.merged()).toEqual({});
    expect(readdirSync(at.scratch).filter((name) => name !== "scratch-whiteout")).toEqual([]);
  });

  it("H13 ends a command that writes more than the quota, and keeps nothing of it", async () => {
    const at = await on({ quota: { bytes: 1_000_000, files: 50 } });
    const result = await run(at, "head -c 3000000 /dev/zero > big; sleep 100");
    expect(result.ended).toBe("quota");
    expect(noted(result)).toEqual(["nothing that the command changed was kept"]);
    expect((await run(at, "i=0; while [ $i -lt 100 ]; do : > $i; i=$((i + 1)); done; sleep 100")).ended).toBe("quota");
    expect(at.merged()).toEqual({});
  });

  it("a layer that is full keeps nothing, and the agent is told what the command said", async () => {
    const at = await on({ quota: { bytes: 1_000_000, files: 3 } });
    const result = await run(at, "echo hello; touch a b c d");
    expect(result).toMatchObject({ ended: "quota", stdout: "hello\n" });
    // Said by the layer in the end, or by the watch while the command runs: whoever looks first.
    expect(noted(result)).toContain("nothing that the command changed was kept");
    expect(at.merged()).toEqual({});
  });

  it("works in a directory of the workspace, also in one that is reached through a link by nobody", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "d"));
        symlinkSync("d", join(base, "link"));
      },
    });
    expect((await run(at, "echo x > x; pwd", { cwd: "d" })).stdout).toMatch(/\/d\n$/);
    expect(at.merged()).toMatchObject({ "d/x": "f x\n" });
    await expect(run(at, "true", { cwd: "link" })).rejects.toThrow();
  });

  it("A4 a workspace that was replaced by another directory is not shown", async () => {
    const at = await on({ fill: ({ base }) => writeFileSync(join(base, "a"), "") });
    renameSync(at.layer.layers.base, `${at.layer.layers.base}-old`);
    mkdirSync(at.layer.layers.base);
    await expect(run(at, "ls")).rejects.toMatchObject({ message: expect.stringContaining("no longer where it was") });
  });

  it("hides what was deleted in a directory that nobody may write to", async () => {
    const at = await on({
      fill({ base }) {
        mkdirSync(join(base, "d/e"), { recursive: true });
        for (const file of ["d/gone", "d/kept", "d/e/gone"]) writeFileSync(join(base, file), "");
        chmodSync(join(base, "d"), 0o555);
      },
    });
    expect((await run(at, "chmod u+w d; rm d/gone d/e/gone")).exitCode).toBe(0);
    expect((await run(at, "find . | sort")).stdout).toBe(".\n./d\n./d/e\n./d/kept\n");
  });

  it("what a crashed run left behind is removed", async () => {
    const at = await on({
      fill({ base }) {
        const left = join(base, "../scratch/scratch-left/upper/d");
        mkdirSync(left, { recursive: true });
        writeFileSync(join(left, "x"), "");
        chmodSync(left, 0);
      },
    });
    expect(existsSync(join(at.scratch, "scratch-left"))).toBe(false);
  });
});
