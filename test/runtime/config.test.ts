import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configuration } from "../../src/runtime/config.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const write = async (whose: "etc" | "config", text: string): Promise<string> => {
  const file = join(lab.root, whose, "pinion/config.yaml");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

describe("the configuration", () => {
  it("has defaults where nobody said anything", async () => {
    expect(await configuration(lab.env)).toEqual({ checkpoints: { every: 256, to: [] }, trust: { userKeys: true } });
    await write("etc", "journal: {}\n");
    expect(await configuration(lab.env)).toEqual({ checkpoints: { every: 256, to: [] }, trust: { userKeys: true } });
  });

  it("adds the user's places to the machine's, and takes the smaller distance", async () => {
    await write("etc", "journal: { checkpoints: { every: 100, to: [/var/log/pinion.jsonl] } }\n");
    await write("config", "journal: { checkpoints: { every: 500, to: [/mnt/usb, /var/log/pinion.jsonl] } }\n");
    const to = ["/var/log/pinion.jsonl", "/mnt/usb"];
    expect(await configuration(lab.env)).toMatchObject({ checkpoints: { every: 100, to } });
    await write("config", "journal: { checkpoints: { every: 10 } }\n");
    expect(await configuration(lab.env)).toMatchObject({ checkpoints: { every: 10, to: to.slice(0, 1) } });
  });

  it("lets keys of the user count unless the machine says no, which the user cannot undo", async () => {
    await write("etc", "trust: { userKeys: false }\n");
    await write("config", "trust: { userKeys: true }\n");
    expect(await configuration(lab.env)).toMatchObject({ trust: { userKeys: false } });
  });

  it.each([
    ["journal:\n  checkpoints:\n    each: 5\n", "3:5 journal.checkpoints.each: unknown field"],
    ["journal:\n  checkpoints:\n    every: 0\n", "3:12 journal.checkpoints.every: expected an integer from 1 to"],
    ["journal:\n  checkpoints:\n    to: [here]\n", "3:10 journal.checkpoints.to[0]: expected an absolute path"],
    ["trust: { users: true }\n", "1:10 trust.users: unknown field"],
    ["keys: {}\n", "1:1 keys: unknown field"],
    ["journal: {\n", "2:1"],
  ])("refuses %j with line and column", async (text, fault) => {
    const file = await write("config", text);
    await expect(configuration(lab.env)).rejects.toMatchObject({
      code: "invalid-file",
      message: expect.stringContaining(`${file}:${fault}`),
    });
  });

  it("is refused when it is not a file that can be read, and does not wait for a FIFO", async () => {
    const file = join(lab.root, "config/pinion/config.yaml");
    await mkdir(dirname(file), { recursive: true });
    execFileSync("mkfifo", [file]);
    await expect(configuration(lab.env)).rejects.toMatchObject({ code: "config-not-readable", exit: 2 });
  });

  it("is never read from the folder that one works in", async () => {
    await mkdir(join(lab.workspace, "pinion"), { recursive: true });
    await writeFile(join(lab.workspace, "pinion/config.yaml"), "journal: { checkpoints: { every: 1 } }\n");
    await writeFile(join(lab.workspace, "config.yaml"), "journal: { checkpoints: { every: 1 } }\n");
    expect(await configuration({ ...lab.env, cwd: lab.workspace } as typeof lab.env)).toMatchObject({
      checkpoints: { every: 256 },
    });
  });
});
