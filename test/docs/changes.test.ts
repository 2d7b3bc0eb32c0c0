import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Shell } from "../support/cli.ts";
import { LayeredRun } from "../support/layered.ts";

const page = readFileSync("docs/changes.md", "utf8");

it("docs/changes.md shows commands that do what it says", async () => {
  const shell = new Shell();
  const run = await LayeredRun.of(shell, { "src/a.ts": "old\n", b: "old\n" });
  await run.change({ "src/a.ts": "new\n", b: "new\n", "src/c.ts": "fresh\n" });
  const [, block = ""] = /```sh\n(.*?)```/s.exec(page) ?? [];
  const commands = [...block.matchAll(/^npx pinion (.*?) +#/gm)].map(([, words = ""]) => words.split(" "));
  expect(commands).toHaveLength(6);
  for (const words of commands) {
    const args = words.map((word) => (word === "<run>" ? run.run : word));
    expect(shell.run("pinion", ...args), args.join(" ")).toMatchObject({ exit: 0 });
  }
  expect(readFileSync(join(run.workspace, "src/a.ts"), "utf8")).toBe("new\n");
  expect(readFileSync(join(run.workspace, "b"), "utf8")).toBe("old\n");
  expect(readFileSync(join(shell.cwd, "changes.patch"), "utf8")).toContain("+fresh\n");
  expect(shell.run("pinion", "run", "diff", run.run).stdout).toBe("");
});
