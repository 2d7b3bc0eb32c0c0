import { execFileSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { launch } from "../../../src/tool/process/launch.ts";
import { PROCESS_LIMITS } from "../../../src/tool/process/limits.ts";

test("H13 a tree that is deeper than files can be open is over every quota, and is removed", () => {
  const around = mkdtempSync(join(tmpdir(), "pinion-deep-"));
  onTestFinished(() => rmSync(around, { recursive: true, force: true }));
  const folder = join(around, "tree");
  const script = `
    import { mkdirSync } from "node:fs";
    import { removeTree, usesMoreThan } from ${JSON.stringify(resolve("src/tool/process/tree/scratch.ts"))};
    mkdirSync(${JSON.stringify(folder)} + "/d".repeat(400), { recursive: true });
    console.log(await usesMoreThan(${JSON.stringify(folder)}, { bytes: 1e9, files: 1e9 }));
    removeTree(${JSON.stringify(folder)});`;
  const words = ["-c", 'ulimit -n 200; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", script];
  expect(execFileSync("/bin/sh", words, { encoding: "utf8" })).toBe("true\n");
  expect(existsSync(folder)).toBe(false);
});

test("nothing of a process is left to strike when it cannot be looked at how much it wrote", async () => {
  const { signal } = new AbortController();
  const request = {
    program: "/bin/sleep",
    arguments: ["0.5"],
    environment: {},
    cwd: "/",
    stdin: "",
    descriptors: [],
    pipes: 0,
    limits: PROCESS_LIMITS,
    kinship: { confiners: 0 },
    exceeded: () => Promise.reject(new Error("the disk is gone")),
  };
  await expect(launch(request, signal)).rejects.toThrow("the disk is gone");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
