import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { descendants } from "../support/processes.ts";

const page = readFileSync("docs/admin.md", "utf8");
const tour = page.slice(page.indexOf("## A tour"), page.indexOf("## The keyring"));
const blocks = [...tour.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block.trimEnd().split("\n"));

it("S11 docs/admin.md: a hook is signed, pinned, run and its key revoked, command by command", async () => {
  const lab = await Lab.open();
  const bins = mkdtempSync(join(tmpdir(), "pinion-bins-"));
  for (const bin of ["blueprint", "harness", "hook", "pinion"]) symlinkSync(resolve(`bin/${bin}.mjs`), join(bins, bin));
  symlinkSync("/usr/bin/env", join(bins, "npx"));
  const passphrase = join(bins, "passphrase");
  writeFileSync(passphrase, "correct horse\n");
  const env = { ...lab.variables, PATH: [bins, dirname(process.execPath), process.env.PATH].join(delimiter) };
  const folder = join(lab.root, "admin");
  const names = new Map([
    ["/tmp/admin", folder],
    ["~/.config/pinion", join(lab.root, "config/pinion")],
  ]);
  const named = (text: string) => [...names].reduce((before, [name, value]) => before.replaceAll(name, value), text);
  const bash = (line: string) => {
    const [, command = "", code = "0"] = /^(.+?)(?: +#(?: exit code (\d))?.*)?$/.exec(line) ?? [];
    // Nobody sits at this terminal.
    const asks = /hook (keygen|sign)/.test(command) ? ` --passphrase-fd 3 3< ${passphrase}` : "";
    const text = named(command) + asks;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", text], { env, encoding: "utf8" });
    const failed = status === Number(code) ? "" : stderr;
    expect({ text, status, stderr: failed }).toEqual({ text, status: Number(code), stderr: "" });
    const [key] = /^ed25519:[0-9a-f]{64}$/m.exec(stdout) ?? [];
    if (command.includes("keygen")) names.set("<key>", key ?? "");
    return stdout + stderr;
  };
  const [keys = [], signing = [], revoking = [], after = [], again = []] = blocks;

  for (const line of keys) bash(line);
  const start = signing.at(-1) ?? "";
  for (const line of signing.slice(0, -1)) bash(line);
  // One long wait, which is cut short below.
  writeFileSync(join(folder, "sample/check.sh"), "sleep 50\necho checked\n");
  const terminal = spawn("bash", ["-c", `exec ${named(start).replace("npx ", "")}`], { env });
  const gone = once(terminal, "close");
  terminal.stdout.resume();
  terminal.stderr.resume();
  const list = () => spawnSync("npx", ["pinion", "run", "list", "--json"], { env });
  names.set("<run>", await underWay(list));
  const revoked = revoking.map(bash).join("");
  expect(revoked).toContain("tool-gate (signed by alice)");
  for (const { pid, command } of descendants(terminal.pid ?? 0)) if (command.startsWith("sleep")) process.kill(pid);
  expect(await gone).toEqual([4, null]);

  const told = after.map(bash).join("");
  expect(told).toContain("hook `tool-gate` is no longer trusted");
  expect(told).toContain("the laptop is lost");
  expect(again.map(bash).join("")).toContain("identical");
  await lab.close();
}, 120_000);

/** The run, once it checks the links. */
async function underWay(list: () => { readonly stdout: Buffer }): Promise<string> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(50)) {
    const [row] = JSON.parse(list().stdout.toString() || "[]");
    if (row?.steps === 3 && row.state === "running") return row.run;
  }
  throw new Error("the run did not come to its third step");
}
