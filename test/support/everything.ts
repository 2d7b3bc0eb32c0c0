import { appendFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { digestOf } from "../../src/model/canonical.ts";
import type { ApprovalAnswer } from "../../src/model/entry.ts";
import type { Environment } from "../../src/runtime.ts";
import { answerApproval, type RunSummary, resumeRun } from "../../src/runtime.ts";
import { ONCE } from "./approvals.ts";
import { buildGuest, hookSource } from "./guests.ts";
import { type Lab, mintingHook, scriptedHook } from "./lab.ts";
import { everything, policyText, writePolicy } from "./policies.ts";
import { entryOf, keyOf, signInBlueprint, writeKeyring } from "./signing.ts";

const APPEND = 'printf "%s\\n" "$1" >> "$2"\n';
export const VALUES: Readonly<Record<string, string>> = {
  PINION_SECRET_IN_HEADER: "canary-header-1",
  PINION_SECRET_IN_ENVIRONMENT: "canary-environment-2",
  PINION_SECRET_IN_FILE: "canary-file-3",
  PINION_SECRET_IN_STDIN: "canary-stdin-4",
};

/** Leases of every kind of constraint, made by a trusted hook: some shared, one expired, one taken back. */
const MINTING = `
  if (globalThis.done) return allow("made"); globalThis.done = true;
  const whole = minting.mint("agent", "capability://fs/workspace/**?action=read,write&uses=20&bytes=100000");
  minting.mint("agent", "capability://process/**?uses=8&rate=50/1000&timeout=20000");
  minting.mint("agent", "capability://agent/helper?max=1&uses=2&expires=3600000");
  const own = minting.mint("hook:minter", "capability://fs/workspace/a.txt?action=read&uses=3");
  minting.delegate(own, "agent", "capability://fs/workspace/a.txt?action=read&uses=1");
  minting.revoke(minting.attenuate(whole, "capability://fs/workspace/b.txt?action=read"));
  minting.mint("agent", "capability://fs/workspace/c.txt?action=read&expires=1");
  return allow("made");`;

/** Demands a person for the command line that appends, asks for a lease, and says something else every time. */
const DEMANDING = `
  const { call = {} } = JSON.parse(payload);
  if (phase === "pre-tool" && call.id === "append") host.requestApproval(JSON.stringify({ why: "it appends" }));
  if (phase === "pre-plan" && JSON.parse(payload).step === 1) { try { leases.request("capability://fs/workspace/out/**?action=write&uses=1"); } catch (error) { return allow(String(error.message)); } }
  return allow(String(host.random(4)) + String(host.now() > 0n));`;

const run = (id: string, ...argv: readonly string[]) => ({ id, tool: "process.run", arguments: { argv } });
const read = (id: string, path: string) => ({ id, tool: "file.read", arguments: { path } });
const write = (id: string, path: string) => ({
  id,
  tool: "file.write",
  arguments: { path, content: `by ${id}`, createDirectories: true },
});

/** A run that uses everything which trust and authority consist of. */
export class Everything {
  readonly lab: Lab;
  readonly env: Environment;
  readonly file: string;
  readonly policy: string;
  readonly proposal: string;

  private constructor(parts: Pick<Everything, "lab" | "env" | "file" | "policy" | "proposal">) {
    this.lab = parts.lab;
    this.env = parts.env;
    this.file = parts.file;
    this.policy = parts.policy;
    this.proposal = parts.proposal;
  }

  static async prepare(lab: Lab): Promise<Everything> {
    const counter = join(lab.root, "counter");
    appendFileSync(counter, "");
    await lab.file("a.txt", "content of a");
    await lab.file("append.sh", APPEND);
    await lab.file("out/.keep", "");
    await lab.file("env.js", "console.log('env', process.env.TOKEN, process.env.TOKEN.length)");
    await lab.file("file.js", "console.log('file', require('fs').readFileSync(process.env.PLACE, 'utf8'))");
    await lab.file("stdin.js", "console.log('stdin', require('fs').readFileSync(0, 'utf8'))");
    const alice = keyOf(1);
    writeKeyring(lab, { keys: [entryOf(alice)] });
    await writePolicy(lab, "etc", { ...everything, ...REQUESTS, ...BUDGETS }, "machine-limits");
    await writePolicy(
      lab,
      "config",
      { ...everything, ...REQUESTS, filesystem: { read: ["**"], write: ["**"], deny: ["private/**"] } },
      "mine",
    );
    const policy = join(lab.root, "for-this-run.yaml");
    await writeFile(
      policy,
      policyText(
        {
          ...everything,
          ...REQUESTS,
          approvals: [{ name: "spawns", tools: ["agent.spawn"], scopes: ["once", "run"] }],
        },
        "careful",
      ),
    );
    const minter = await mintingHook(MINTING, { phases: ["pre-plan"] });
    const phases = ["pre-plan", "pre-tool", "post-tool"];
    const gate = await scriptedHook(DEMANDING, {
      name: "demanding",
      phases,
    });
    const file = await lab.blueprint({
      hooks: [minter, gate],
      chain: { "pre-plan": ["minter", "demanding"], "pre-tool": ["demanding"], "post-tool": ["demanding"] },
      tools: ["file.read", "file.write", "process.run", "agent.spawn", "http.fetch"],
      taxa: ["workspace", "process", "agent", "network"],
      execution: {
        process: {
          allow: [
            ["node", "*"],
            ["sh", "*", "*", "*"],
          ],
        },
        network: { domains: ["nowhere.invalid"] },
        filesystem: { read: ["**"], write: ["**"], deny: ["secrets/**"] },
      },
      policy: {
        secrets: { allow: ["in-header", "in-environment", "in-file", "in-stdin"] },
        budgets: { steps: 20, approvals: 9 },
        ...REQUESTS,
      },
      secrets: {
        "in-header": { tools: ["http.fetch"] },
        "in-environment": { tools: ["process.run"] },
        "in-file": { tools: ["process.run"] },
        "in-stdin": { tools: ["process.run"] },
      },
      uses: {
        "http.fetch": [
          {
            name: "in-header",
            as: "header",
            header: "authorization",
            format: "Bearer {}",
            domains: ["nowhere.invalid"],
          },
        ],
        "process.run": [
          { name: "in-environment", as: "environment", variable: "TOKEN", argv: [["node", "env.js"]] },
          { name: "in-file", as: "file", variable: "PLACE", argv: [["node", "file.js"]] },
          { name: "in-stdin", as: "stdin", argv: [["node", "stdin.js"]] },
        ],
      },
      leases: { require: ["fs", "process", "agent"] },
      approvals: [{ name: "writes", tools: ["file.write"], scopes: ["once", "run", "pattern"] }],
      turns: [
        {
          text: "one",
          calls: [read("r1", "a.txt"), read("r2", "a.txt"), read("denied", "private/x"), run("e", "node", "env.js")],
        },
        {
          text: "two",
          calls: [
            run("f", "node", "file.js"),
            run("append", "sh", "append.sh", "once", counter),
            run("i", "node", "stdin.js"),
          ],
        },
        {
          text: "three",
          calls: [
            { id: "h", tool: "http.fetch", arguments: { url: "https://nowhere.invalid/x" } },
            {
              id: "ask",
              tool: "agent.spawn",
              arguments: {
                agent: "helper",
                goal: "help",
                leases: ["capability://fs/workspace/**?action=read,write&uses=3"],
              },
            },
          ],
        },
        { text: "four", calls: [write("w", "out/mine.txt"), read("r3", "a.txt")] },
        {
          text: "told: ${results.ask.answer} ; ${results.e.stdout} ${results.f.stdout} ${results.i.stdout} ; ${results.w.path}",
        },
      ],
      child: [
        { text: "child", calls: [read("cr", "a.txt"), write("cw", "out/child.txt")] },
        { text: 'helped: ${results.cr.content} ${results.cw.path | default "nothing"}' },
      ],
      childTools: ["file.read", "file.write"],
      childExecution: { filesystem: { read: ["**"], write: ["**"] } },
    });
    await signInBlueprint(lab, { file, hook: "minter", key: alice });
    const env = { ...lab.env, env: VALUES };
    return new Everything({ lab, env, file, policy, proposal: await proposed(lab) });
  }

  start(): Promise<RunSummary> {
    const { lab, env, file } = this;
    lab.entries.length = 0;
    return lab.run(file, { policy: this.policy, shadows: [this.proposal] }, env);
  }

  resume({ run }: Pick<RunSummary, "run">): Promise<RunSummary> {
    return resumeRun({ run, by: "alice", ...this.lab.watching }, this.env);
  }

  /** Answers and resumes until the run rests otherwise. */
  async toItsEnd(summary: RunSummary, answer: ApprovalAnswer = ONCE): Promise<RunSummary> {
    let now = summary;
    for (let asked = 0; now.approvals.length > 0; asked += 1) {
      if (asked > 20) throw new Error("it asks for ever");
      for (const { run, approval } of now.approvals) {
        await answerApproval({ run, approval, answer, by: "alice at her desk", user: "alice" }, this.env);
      }
      now = await this.resume(now);
    }
    return now;
  }

  async appended(): Promise<readonly string[]> {
    return (await readFile(join(this.lab.root, "counter"), "utf8")).trim().split("\n");
  }
}

const LEASES = ["capability://fs/workspace/**?action=read,write", "capability://process/**", "capability://agent/*"];
const REQUESTS = { leases: { mint: LEASES, request: ["capability://fs/workspace/out/**?action=write&uses=1"] } };
const BUDGETS = { budgets: { steps: 30, tokens: 900_000, runMs: 3_600_000, approvals: 12 } };

/** A stricter version of the gate, proposed by a person. */
async function proposed(lab: Lab): Promise<string> {
  const folder = join(lab.root, "stricter");
  const component = await buildGuest(
    hookSource('return payload.includes(\'"tool":"file.write"\') ? block("no writing") : allow("fine");'),
  );
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "gate.wasm"), component);
  const manifest = {
    apiVersion: "pinion.dev/v1",
    kind: "Hook",
    metadata: { name: "demanding", version: "2.0.0" },
    spec: {
      world: "pinion:hook/hook@1.0.0",
      component: { file: "gate.wasm", digest: digestOf(component) },
      role: "gate",
      phases: ["pre-tool"],
      limits: { memoryPages: 512 },
    },
  };
  await writeFile(join(folder, "hook.yaml"), stringify(manifest));
  const { code, stdout, stderr } = await lab.finished("hook", ["propose", folder, "--reason", "stricter writes"]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}
