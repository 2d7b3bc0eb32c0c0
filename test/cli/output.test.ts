import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";

const BIN = join(import.meta.dirname, "../../bin/hook.mjs");

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});

describe("a full disk below stdout", () => {
  it.each([
    [["list"]],
    [["list", "--json"]],
    [["--help"]],
    [["run", "nosuch", "--phase", "audit", "--input", "none", "--json"]],
  ])("is said in one line and is exit code 1: hook %j", (args) => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [BIN, ...args], {
      cwd: lab.root,
      env: lab.variables,
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({ status: 1, stderr: "error: stdout cannot be written (ENOSPC)\n" });
  });
});
