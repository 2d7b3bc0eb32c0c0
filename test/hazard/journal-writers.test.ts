import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it, onTestFinished } from "vitest";
import { lock } from "../../src/journal/lock.ts";
import { InputError } from "../../src/model/errors.ts";
import { temporary, workshop } from "../journal/workshop.ts";
import { runs } from "../support/property.ts";

const contender = fileURLToPath(new URL("../journal/contender.ts", import.meta.url));
const claims = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("writer-"));

interface Contender {
  readonly child: ChildProcess;
  /** What it says when it is told to take the folder. */
  try(): Promise<string>;
}

async function contend(folder: string): Promise<Contender> {
  const child = spawn(execPath, [contender, folder], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Interface = createInterface({ input: child.stdout });
  const next = async () => String((await once(lines, "line"))[0]);
  expect(await next()).toBe("ready");
  return {
    child,
    try: () => {
      const answer = next();
      child.stdin.write("go\n");
      return answer;
    },
  };
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("L8 two writers", () => {
  it("the second is refused while the first lives, in the same process and in another", async () => {
    const bench = workshop();
    const journal = await bench.create();
    await expect(bench.resume()).rejects.toMatchObject({ code: "journal-locked" });
    const other = await contend(bench.folder);
    expect(await other.try()).toBe("journal-locked");
    expect(claims(bench.folder)).toHaveLength(1);
    journal.check("check.hooks", {});
    await journal.close();
    expect(bench.lines()).toHaveLength(2);
    expect(await other.try()).toBe("taken");
    await expect(bench.resume()).rejects.toThrow(InputError);
  });

  it("a writer that was killed is no obstacle, and neither is what it left", async () => {
    const bench = workshop();
    await (await bench.create()).close();
    const other = await contend(bench.folder);
    expect(await other.try()).toBe("taken");
    await killed(other.child);
    expect(claims(bench.folder)).toHaveLength(1);
    const { journal } = await bench.resume();
    expect(claims(bench.folder)).toHaveLength(1);
    await journal.close();
    expect(claims(bench.folder)).toEqual([]);
  });

  it("of many that try at once exactly one gets it, also over a dead one's claim", async () => {
    for (let round = 0; round < runs(2, 50); round++) {
      const folder = temporary();
      const dead = await contend(folder);
      expect(await dead.try()).toBe("taken");
      await killed(dead.child);
      const crowd = await Promise.all([1, 2, 3, 4].map(() => contend(folder)));
      const answers = await Promise.all(crowd.map((one) => one.try()));
      expect(answers.toSorted()).toEqual(["journal-locked", "journal-locked", "journal-locked", "taken"]);
      await Promise.all(crowd.map((one) => killed(one.child)));
      lock(folder).release();
    }
  });

  it("of many threads of one process exactly one gets it", async () => {
    const thread = new URL("../journal/contending-thread.ts", import.meta.url);
    for (let round = 0; round < runs(2, 50); round++) {
      const folder = temporary();
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const threads = [1, 2, 3, 4].map(() => new Worker(thread, { workerData: { folder, gate } }));
      onTestFinished(async () => void (await Promise.all(threads.map((one) => one.terminate()))));
      await Promise.all(threads.map((one) => once(one, "message")));
      const answers = threads.map(async (one) => String((await once(one, "message"))[0]));
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      expect((await Promise.all(answers)).toSorted()).toEqual([
        "journal-locked",
        "journal-locked",
        "journal-locked",
        "taken",
      ]);
    }
  });

  it("one that was stopped before it decided does not become a second writer", async () => {
    const folder = temporary();
    const held = lock(folder);
    const [mine = ""] = claims(folder);
    held.release();
    const parent = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const start = readFileSync(`/proc/${parent.pid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ")[19];
    const undecided = mine.replace(/^writer-/, "claim-").replace(/-\d+-\d+$/, `-${parent.pid}-${start}`);
    writeFileSync(join(folder, undecided), "");
    expect(() => lock(folder)).toThrow(InputError);
    expect(readdirSync(folder)).toEqual([undecided]);
  });

  it("a claim from before a reboot counts for nothing; one from another pid namespace cannot be judged and holds", () => {
    const folder = temporary();
    const held = lock(folder);
    const [mine = ""] = claims(folder);
    held.release();
    const [, boot = "", namespace = ""] = /^writer-([0-9a-f-]{36})-(\d+)-/.exec(mine) ?? [];
    writeFileSync(join(folder, mine.replace(boot, "00000000-0000-0000-0000-000000000000")), "");
    lock(folder).release();
    expect(claims(folder)).toEqual([]);
    writeFileSync(join(folder, mine.replace(`-${namespace}-`, "-1-").replace(/\d+$/, "1")), "");
    expect(() => lock(folder)).toThrow(InputError);
    expect(claims(folder)).toHaveLength(1);
  });

  it("a writer that is dead and only waits to be buried is no obstacle", async () => {
    const folder = temporary();
    // The child ends when its parent has become a program that buries nobody; a shell might.
    const script = 'while [ "$(cat /proc/$$/comm)" = sh ]; do :; done & echo $!; exec sleep 60';
    const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [zombie] = await once(createInterface({ input: parent.stdout }), "line");
    const stat = () =>
      readFileSync(`/proc/${zombie}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ");
    await expect.poll(() => stat()[0]).toBe("Z");
    const held = lock(folder);
    const [mine = ""] = claims(folder);
    held.release();
    writeFileSync(join(folder, mine.replace(/-\d+-\d+$/, `-${zombie}-${stat()[19]}`)), "");
    lock(folder).release();
    expect(claims(folder)).toEqual([]);
  });

  it("a process that got a dead one's pid is not taken for it", () => {
    const folder = temporary();
    const held = lock(folder);
    const [mine = ""] = claims(folder);
    held.release();
    writeFileSync(join(folder, mine.replace(/\d+$/, "1")), "");
    lock(folder).release();
    expect(claims(folder)).toEqual([]);
  });
});
