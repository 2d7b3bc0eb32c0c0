/**
 * Makes the golden recordings anew: the shipped blueprints, each recorded on this machine, with the run keys and every
 * artifact that a replay needs. `node scripts/record.ts`. A Node at a neutral path keeps the paths of this machine out of them.
 */
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Environment, keyFile, openRecording, runBlueprint } from "../src/index.ts";

const root = join(import.meta.dirname, "..");
const target = join(root, "recordings");
const scratch = mkdtempSync(join(tmpdir(), "pinion-golden-"));
const env: Environment = {
  dataDir: join(scratch, "data"),
  stateDir: join(scratch, "state"),
  cacheDir: join(scratch, "cache"),
  configDirs: [],
  env: {},
  cwd: scratch,
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: (bytes) => randomBytes(bytes),
};

try {
  // What a run starts from is in its recording; the checkout is nobody's business.
  cpSync(join(root, "blueprints"), join(scratch, "blueprints"), { recursive: true });
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const [name, goal] of [
    ["minimal", "say hello"],
    ["reviewer", "review the changes"],
    ["editor", "tidy the guide"],
  ] as const) {
    const workspace = join(scratch, name);
    cpSync(join(root, "blueprints", name === "minimal" ? "reviewer" : name, "sample"), workspace, { recursive: true });
    const summary = await runBlueprint(
      {
        file: join(scratch, "blueprints", name, "blueprint.yaml"),
        goal,
        workspace,
        record: join(target, `${name}.jsonl`),
        signal: new AbortController().signal,
        onEntry: () => undefined,
        onNotice: (text) => console.log(text),
      },
      env,
    );
    if (summary.state !== "completed") throw new Error(`${name} is ${summary.state}: ${summary.reason}`);
    console.log(`${name}: ${summary.steps} steps, ${summary.blocked} blocked, ${summary.redactions} redacted`);
  }
  for (const name of readdirSync(target)) {
    const recording = openRecording(join(target, name));
    await copyFile(keyFile(env, recording.header.run), join(target, name.replace(/\.jsonl$/, ".key")));
    recording.close();
  }
  cpSync(join(env.dataDir, "store"), join(target, "artifacts"), { recursive: true });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
