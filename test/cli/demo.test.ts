import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Shell } from "../support/cli.ts";

test("X3 the planted credential of the demo is in clear nowhere in Pinion's own folders", () => {
  const shell = new Shell({ LANG: "C.UTF-8" });
  const { exit, stdout } = shell.script("src/cli/demo.ts");
  expect(exit).toBe(0);
  const [, workspace = ""] = /REVIEW\.md comes into (\S+);/.exec(stdout) ?? [];
  const sample = readFileSync(join(workspace, "config/deploy.env"), "utf8");
  const [secret = ""] = /AKIA\w{16}/.exec(sample) ?? [];
  expect(secret).not.toBe("");
  const files = readdirSync(shell.home, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(readFileSync(join(file.parentPath, file.name)).includes(secret), file.name).toBe(false);
  }
  rmSync(dirname(workspace), { recursive: true });
});
