import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { expect, it } from "vitest";
import { Lab } from "../support/lab.ts";

const page = readFileSync("docs/policy.md", "utf8");
const [, script = ""] = /```sh\n(.*?)```/s.exec(page) ?? [];

it("docs/policy.md: a policy of one's own is written, checked and asked about, as the page says", async () => {
  const lab = await Lab.open();
  const bins = mkdtempSync(join(tmpdir(), "pinion-bins-"));
  symlinkSync(resolve("bin/pinion.mjs"), join(bins, "pinion"));
  symlinkSync("/usr/bin/env", join(bins, "npx"));
  const PATH = [bins, dirname(process.execPath), process.env.PATH].join(delimiter);
  const { XDG_CONFIG_HOME: _, ...variables } = lab.variables;
  const env = { ...variables, PATH };
  const bash = (text: string) =>
    spawnSync("bash", ["-c", `umask 022; ${text}`], { env, encoding: "utf8", cwd: lab.root });

  const at = script.indexOf("npx ");
  expect(bash(script.slice(0, at))).toMatchObject({ status: 0, stderr: "" });
  const [check = "", explain = "", show = ""] = script.slice(at).trimEnd().split("\n");
  const checked = bash(check);
  expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining("policy mine@1.0.0: 3 warnings") });
  expect(explain).toContain("# exit code 4");
  expect(bash(explain)).toMatchObject({
    status: 4,
    stdout: expect.stringContaining('by user policy mine@1.0.0: filesystem.deny[0] "**/*.md"'),
  });
  expect(bash(show)).toMatchObject({ status: 0, stdout: expect.stringContaining("user policy mine@1.0.0  sha256:") });
  await lab.close();
}, 60_000);
