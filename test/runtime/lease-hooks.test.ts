import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { leasesIn, type RunSummary, resumeRun } from "../../src/runtime.ts";
import { Lab, type LabBlueprint, type LabHook, mintingHook, scriptedHook } from "../support/lab.ts";
import { entryOf, keyOf, signInBlueprint, writeKeyring } from "../support/signing.ts";

const alice = keyOf(1);
let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "a");
  await lab.file("b.txt", "b");
  writeKeyring(lab, { keys: [entryOf(alice)] });
});
afterEach(() => lab.close());

const read = (id: string, path: string) => ({ id, tool: "file.read", arguments: { path } });
const READS = [
  { text: "go", calls: [read("one", "a.txt"), read("two", "b.txt")] },
  { text: `\${results.one.content | default "denied"} \${results.two.content | default "denied"}` },
];

/** Does this in the first step; what it throws is told. */
const once = (code: string) =>
  `if (globalThis.done) return allow(""); globalThis.done = true;
   const attempt = (call) => { try { return call(); } catch (error) { return String(error.message ?? error.payload ?? error); } };
   ${code}`;

async function blueprint(parts: Partial<LabBlueprint>, hooks: readonly LabHook[]): Promise<string> {
  return lab.blueprint({ hooks, chain: { "pre-plan": hooks.map(({ name }) => name) }, turns: READS, ...parts });
}

/** With a trusted signature for each hook. */
async function trusted(parts: Partial<LabBlueprint>, hooks: readonly LabHook[]): Promise<string> {
  const file = await blueprint(parts, hooks);
  for (const { name } of hooks) await signInBlueprint(lab, { file, hook: name, key: alice });
  return file;
}

async function expectReplays({ run }: RunSummary): Promise<void> {
  await rm(lab.workspace, { recursive: true });
  await rm(join(lab.root, "config"), { recursive: true });
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(join(lab.root, "out.jsonl"), { key })).toMatchObject({ answer: "identical" });
  await rm(key);
  expect(await lab.replay()).toMatchObject({ answer: "identical-except-sealed" });
}

const rows = () => leasesIn(join(lab.root, "out.jsonl")).leases;

describe("a sandboxed hook", () => {
  const POLICY = { leases: { require: ["fs"], request: ["capability://fs/workspace/*.txt?action=read&uses=1"] } };

  test("is given for the agent what it asks for, within what the policies let hooks ask for", async () => {
    const hook = await scriptedHook(
      once(`return allow([
        attempt(() => leases.request("capability://fs/workspace/b.txt?action=read")),
        attempt(() => leases.request("capability://fs/workspace/b.txt?action=read&uses=2")),
        attempt(() => leases.request("capability://fs/workspace/**?action=read&uses=1")),
        attempt(() => leases.request("words of a guest")),
      ].join(" | "));`),
      { phases: ["pre-plan"] },
    );
    const summary = await lab.run(await blueprint({ policy: POLICY }, [hook]));
    expect(summary.result).toBe("denied b");
    expect(lab.rationales("pre-plan")[0]).toMatch(
      /^lease-1 \| denied: it goes beyond .* \| denied: it goes beyond .* \| denied: it is no capability/,
    );
    expect(rows()).toMatchObject([
      { lease: "lease-1", holder: "agent", issuer: "hook scripted", used: 1, capability: POLICY.leases.request[0] },
    ]);
    const refusals = lab.entries.filter(({ kind, body }) => kind === "check.lease" && body.event === "refused");
    expect(refusals).toHaveLength(4);
    expect(JSON.stringify(refusals)).not.toContain("words of a guest");
    await expectReplays(summary);
  });

  test("is given nothing where no policy says that hooks may ask", async () => {
    const hook = await scriptedHook(
      once('return allow(attempt(() => leases.request("capability://fs/workspace/b.txt?action=read")));'),
      { phases: ["pre-plan"] },
    );
    const summary = await lab.run(await blueprint({ leases: { require: ["fs"] } }, [hook]));
    expect(summary.result).toBe("denied denied");
    expect(lab.rationales("pre-plan")[0]).toContain("denied: it goes beyond");
  });
});

const MINT = { leases: { require: ["fs"], mint: ["capability://fs/workspace/**?action=read,write"] } };
const B_ONCE = '"capability://fs/workspace/b.txt?action=read&uses=1"';

describe("C6 a hook that makes leases without being trusted", () => {
  test("is not loaded, and blocks", async () => {
    const hook = await mintingHook(once(`minting.mint("agent", ${B_ONCE}); return allow("minted");`), {
      phases: ["pre-plan"],
    });
    const file = await blueprint({ policy: MINT }, [hook]);
    const { stderr } = await lab.finished("blueprint", ["validate", file]);
    expect(stderr).toMatch(/spec\.pins\.hooks\[0\]: it does not run here: .* loaded with a trusted signature only/);
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "paused", exit: 4 });
    expect(summary.reason).toContain("must be trusted, it is sandboxed");
    expect(rows()).toEqual([]);
    await expectReplays(summary);
  });

  test("is not loaded either, though signed, where its manifest does not say that it makes them", async () => {
    const hook = await mintingHook(once(`minting.mint("agent", ${B_ONCE}); return allow("minted");`), {
      phases: ["pre-plan"],
    });
    const summary = await lab.run(await trusted({ policy: MINT }, [{ ...hook, world: "pinion:hook/hook@1.0.0" }]));
    expect(summary.reason).toContain("its manifest says `pinion:hook/hook@1.0.0`");
    expect(rows()).toEqual([]);
  });

  test("does not run where the key that signed it may not sign for minting", async () => {
    const entry = { ...entryOf(alice), powers: ["gate"] };
    writeKeyring(lab, { keys: [entry] });
    const hook = await mintingHook(once("return allow('');"), { phases: ["pre-plan"] });
    const file = await trusted({ policy: MINT }, [hook]);
    await expect(lab.run(file)).rejects.toMatchObject({ code: "hook-not-trusted" });
  });
});

describe("a trusted hook", () => {
  test("mints, hands on, narrows and takes back", async () => {
    const hook = await mintingHook(
      once(`const whole = minting.mint("hook:minter", "capability://fs/workspace/**?action=read&uses=3");
        const part = minting.delegate(whole, "agent", ${B_ONCE});
        const gone = minting.mint("agent", "capability://fs/workspace/a.txt?action=read");
        const below = minting.attenuate(gone, "capability://fs/workspace/a.txt?action=read&uses=1");
        minting.revoke(gone);
        return allow([
          attempt(() => minting.delegate(whole, "agent", "capability://fs/workspace/**?action=read&uses=3")),
          attempt(() => minting.attenuate(below, "capability://fs/workspace/a.txt?action=read")),
          attempt(() => minting.mint("nobody", ${B_ONCE})),
          attempt(() => minting.mint("agent", "capability://process/**")),
        ].join(" | "));`),
      { phases: ["pre-plan"] },
    );
    const summary = await lab.run(await trusted({ policy: MINT }, [hook]));
    expect(summary.result).toBe("denied b");
    const said = (lab.rationales("pre-plan")[0] ?? "").split(" | ");
    expect(said).toEqual([
      expect.stringContaining("`uses` is 3, at most 2"),
      expect.stringContaining("`lease-4` is revoked"),
      expect.stringContaining("there is no holder `nobody`"),
      expect.stringContaining("goes beyond what the policies let hooks have"),
    ]);
    expect(rows()).toMatchObject([
      { lease: "lease-1", holder: "hook:minter", left: { uses: 2 }, state: "live" },
      { lease: "lease-2", holder: "agent", parent: "lease-1", used: 1, left: { uses: 0 } },
      { lease: "lease-3", state: "revoked" },
      { lease: "lease-4", parent: "lease-3", state: "revoked" },
    ]);
    await expectReplays(summary);
  });

  test("a run that crashed has the same leases again", async () => {
    const hook = await mintingHook(once(`minting.mint("agent", ${B_ONCE}); return allow("");`), {
      phases: ["pre-plan"],
    });
    const first = await lab.run(await trusted({ policy: MINT }, [hook]));
    await lab.crash(first, '"check.lease"', '"minted"');
    expect(await resumeRun({ run: first.run, ...lab.watching }, lab.env)).toMatchObject({ result: "denied b" });
  });

  test("C3 takes a lease back from a call that was let through and waits for another one to be gated", async () => {
    const hook = await mintingHook(
      `if (phase === "pre-plan") globalThis.lease ??= minting.mint("agent", "capability://fs/workspace/**?action=read");
       else if (JSON.parse(payload).call.id === "two") minting.revoke(globalThis.lease);
       return allow("");`,
      { phases: ["pre-plan", "pre-tool"] },
    );
    const chain = { "pre-plan": [hook.name], "pre-tool": [hook.name] };
    const summary = await lab.run(await trusted({ policy: MINT, chain }, [hook]));
    expect(summary.result).toBe("denied denied");
    await expectReplays(summary);
  });

  test("C4 a lease that expires while another call is gated lets nothing through any more", async () => {
    const hook = await mintingHook(
      `if (phase === "pre-plan") minting.mint("agent", "capability://fs/workspace/**?action=read&expires=1500");
       else if (JSON.parse(payload).call.id === "two") host.sleep(1800);
       return allow("");`,
      { phases: ["pre-plan", "pre-tool"] },
    );
    const chain = { "pre-plan": [hook.name], "pre-tool": [hook.name] };
    const summary = await lab.run(await trusted({ policy: MINT, chain }, [hook]));
    expect(summary.result).toBe("denied denied");
    await expectReplays(summary);
  });

  test("C7 a chain of 10,000 leases ends at the sixteenth", async () => {
    const hook = await mintingHook(
      once(`let lease = minting.mint("agent", "capability://fs/workspace/**?action=read");
        for (let level = 1; level <= 10000; level++) {
          try { lease = minting.attenuate(lease, "capability://fs/workspace/**?action=read"); }
          catch (error) { return allow(level + ": " + String(error.message ?? error.payload ?? error)); }
        }
        return allow("no end");`),
      { phases: ["pre-plan"], limits: { hostcalls: 10_000 } },
    );
    const summary = await lab.run(await trusted({ policy: MINT }, [hook]));
    expect(lab.rationales("pre-plan")[0]).toBe("17: denied: leases derive from one another 16 times at most");
    await expectReplays(summary);
  });
});

describe("what names a lease", () => {
  const thief = (code: string) =>
    mintingHook(
      // In the second step: a capsule is there when the boundary at which it was written is complete.
      `if (JSON.parse(payload).step !== 2) return allow("");
       ${once(`const found = JSON.parse(host.readCapsule("risk")).note; ${code}`)}`,
      { name: "thief", phases: ["pre-plan"] },
    );

  test("C2 and C10 is of no use to another hook, in a capsule or read from a log: neither the token nor the name", async () => {
    const maker = await mintingHook(
      once(`host.writeCapsule("risk", JSON.stringify({ level: "low", note: minting.mint("agent", ${B_ONCE}) }));
        return allow("");`),
      { name: "maker", phases: ["pre-plan"] },
    );
    const stealing = await thief(`return allow([found.length,
      attempt(() => minting.revoke(found)), attempt(() => minting.revoke("lease-1")),
      attempt(() => minting.delegate(found, "hook:thief", ${B_ONCE})),
      attempt(() => minting.attenuate("lease-1", ${B_ONCE}))].join(" | "));`);
    const file = await trusted({ policy: MINT }, [maker, stealing]);
    const summary = await lab.run(file);
    const [, second] = lab.boundaries("pre-plan");
    const [, verdict] = (second?.verdicts ?? []) as readonly JsonObject[];
    expect(verdict?.rationale).toBe(`32${" | denied: that is no lease of this hook".repeat(4)}`);
    expect(rows()).toMatchObject([{ lease: "lease-1", state: "live", used: 1 }]);
    expect(rows()).toHaveLength(1);
    await expectReplays(summary);
  });

  test("C5 is another in every run, stands in no journal, and guessing it gives nothing", async () => {
    const maker = await mintingHook(once(`return allow(minting.mint("agent", ${B_ONCE}));`), { phases: ["pre-plan"] });
    const file = await trusted({ policy: MINT }, [maker]);
    await lab.run(file);
    const [first = ""] = lab.rationales("pre-plan");
    const again = await lab.run(file);
    const [second] = lab.rationales("pre-plan");
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
    // This hook says its token aloud; no entry about leases does.
    const lines = (await readFile(again.journal, "utf8")).split("\n");
    expect(lines.filter((line) => line.includes("check.lease")).join()).not.toContain(second);
    const guesser = await mintingHook(once(`return allow(attempt(() => minting.revoke("${first}")));`), {
      name: "guesser",
      phases: ["pre-plan"],
    });
    const third = await trusted({ policy: MINT, leases: { grant: ["capability://tool/*"] } }, [guesser]);
    await lab.run(third);
    expect(lab.rationales("pre-plan")[0]).toBe("denied: that is no lease of this hook");
  });
});
