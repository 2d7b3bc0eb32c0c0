import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyJournal } from "../../src/runtime.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

/** Runs a script with a file system of 900 KiB mounted on `$1`, which is gone afterwards. */
const onSmallDisk = (script: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  spawnSync("unshare", ["-rm", "sh", "-c", `mount -t tmpfs -o size=900k none "$1" && ${script}`, "sh", ...args], {
    encoding: "utf8",
    env,
  });
const mountable = onSmallDisk("true", ["/mnt"]).status === 0;

describe("N5 a run whose disk is full", () => {
  it.runIf(mountable)(
    "stops in one line, keeps what it did, and goes on when there is room (where the system lets us mount one)",
    async () => {
      await lab.file("out/.keep", "");
      const file = await lab.blueprint({
        turns: [
          {
            repeat: 60,
            text: "x".repeat(20_000),
            calls: [{ tool: "file.write", arguments: { path: "out/${step}.txt", content: "step ${step}" } }],
          },
          { text: "done" },
        ],
        limits: { steps: 100, toolCalls: 100, tokens: 1e9, runMs: 3_600_000 },
      });
      const state = join(lab.root, "state");
      const kept = join(lab.root, "kept");
      const bin = join(import.meta.dirname, "../../bin/blueprint.mjs");
      const command = '"$3" "$4" run "$5" --goal g --workspace "$6"; echo $? >"$7"; cp -r "$1" "$2"';
      const args = [state, kept, process.execPath, bin, file, lab.workspace, join(lab.root, "exit")];
      const { stderr } = onSmallDisk(command, args, lab.variables);
      expect(readFileSync(join(lab.root, "exit"), "utf8")).toBe("1\n");
      expect(stderr).toMatch(/^error: .*cannot be written: ENOSPC/m);
      expect(stderr).not.toContain("    at ");

      const [run = ""] = readdirSync(join(kept, "pinion/runs"));
      const env = { ...lab.env, stateDir: join(kept, "pinion") };
      const verify = () => verifyJournal({ target: run, checkpoints: [], keys: [] }, env);
      const { entries, ...stopped } = await verify();
      expect(stopped).toMatchObject({ state: "incomplete", findings: [], exit: 0 });
      expect(entries).toBeGreaterThan(20);
      const resumed = await lab.finished("pinion", ["run", "resume", run, "--json"], { XDG_STATE_HOME: kept });
      expect(JSON.parse(resumed.stdout)).toMatchObject({ state: "completed", steps: 61 });
      expect(await verify()).toMatchObject({ state: "whole", unanchored: 0, findings: [], exit: 0 });
      for (let step = 1; step <= 60; step += 1) {
        expect(readFileSync(join(lab.workspace, `out/${step}.txt`), "utf8")).toBe(`step ${step}`);
      }
    },
  );
});
