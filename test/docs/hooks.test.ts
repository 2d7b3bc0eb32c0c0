import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { expect, it } from "vitest";
import schema from "../../schemas/hook.v1.json" with { type: "json" };
import { Lab } from "../support/lab.ts";

const page = readFileSync("docs/hooks.md", "utf8");

it("docs/hooks.md takes a new author to a replayed run, command by command", async () => {
  const lab = await Lab.open();
  const bins = mkdtempSync(join(tmpdir(), "pinion-bins-"));
  for (const bin of ["blueprint", "harness", "hook"]) symlinkSync(resolve(`bin/${bin}.mjs`), join(bins, bin));
  const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block).join("");
  // A command that is to end with another code says so behind itself.
  const script = commands.replace(/^(.+?) +# exit code (\d)$/gm, 'code=0; $1 || code=$?; [ "$code" = $2 ]');
  const PATH = [bins, dirname(process.execPath), process.env.PATH].join(delimiter);
  const { status, stdout, stderr } = spawnSync("bash", ["-eu", "-c", script], {
    cwd: lab.root,
    env: { ...lab.variables, PATH },
    encoding: "utf8",
  });
  expect(stderr).not.toMatch(/^error/m);
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(stdout).toContain("5 passed, 0 failed");
  expect(stdout).toContain("3 passed, 0 failed");
  expect(stdout).toContain("block: files that end in `.lock` are not written by agents");
  expect(stdout).toContain("1 newly-blocked");
  expect(stdout).toMatch(/^[0-9a-f]{40} {2}approved {2}no-locks@0\.2\.0/m);
  expect(stdout).toMatch(/^notes\.md\nidentical: /m);
});

it("docs/hooks.md says the limits of the schema", () => {
  const { properties } = schema.properties.spec.properties.limits;
  const shown = (value: number) => value.toLocaleString("en");
  for (const [name, { default: usual, maximum }] of Object.entries(properties)) {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| ${shown(usual)} \\| ${shown(maximum)} \\|`, "m"));
  }
});
