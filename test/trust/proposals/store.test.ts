import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../../src/model/canonical.ts";
import {
  digestsOf,
  type ProposalContent,
  type ProposalNote,
  proposalId,
} from "../../../src/trust/proposals/proposal.ts";
import { PROPOSAL_BOUNDS, ProposalStore } from "../../../src/trust/proposals/store.ts";
import { runs, seed } from "../../support/property.ts";

function opened(): { readonly root: string; readonly store: ProposalStore } {
  const folder = mkdtempSync(join(tmpdir(), "pinion-proposals-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, "proposals");
  return { root, store: new ProposalStore(root) };
}

function content(changes: Partial<ProposalContent> = {}): ProposalContent {
  return {
    manifest: Buffer.from("name: gate"),
    component: Buffer.from("\0asm"),
    sources: { "hook.ts": "1" },
    ...changes,
  };
}

const NOTE: ProposalNote = {
  name: "gate",
  version: "1.0.0",
  by: { kind: "person", user: "me" },
  reason: "because",
  at: 1_800_000_000_000,
};

describe("a store of proposals", () => {
  it("gives back what was put in, and keeps who proposed it first", async () => {
    const { store } = opened();
    const { id, isNew } = await store.add(content(), NOTE);
    expect(isNew).toBe(true);
    expect(await store.add(content(), { ...NOTE, reason: "another" })).toEqual({ id, isNew: false });
    const kept = await store.get(id);
    expect(kept).toMatchObject({ id, note: NOTE, decision: undefined });
    expect(digestsOf(kept.content)).toEqual(digestsOf(content()));
  });

  it("names any other bytes otherwise", () => {
    const parts = fc.record({
      manifest: fc.uint8Array({ maxLength: 4 }),
      component: fc.uint8Array({ maxLength: 4 }),
      sources: fc.dictionary(fc.string({ maxLength: 2 }), fc.string({ maxLength: 2 }), { maxKeys: 2 }),
    });
    const same = (a: ProposalContent, b: ProposalContent) =>
      Buffer.compare(a.manifest, b.manifest) === 0 &&
      Buffer.compare(a.component, b.component) === 0 &&
      JSON.stringify(Object.entries(a.sources).sort()) === JSON.stringify(Object.entries(b.sources).sort());
    const property = fc.property(parts, parts, (a, b) => {
      expect(proposalId(digestsOf(a)) === proposalId(digestsOf(b))).toBe(same(a, b));
    });
    fc.assert(property, { seed, numRuns: runs(200, 20_000) });
  });

  it("takes the same proposal from several at once, as a whole", async () => {
    const { root, store } = opened();
    const added = await Promise.all(Array.from({ length: 8 }, () => store.add(content(), NOTE)));
    expect(new Set(added.map(({ id }) => id)).size).toBe(1);
    expect(added.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(readdirSync(root)).toEqual([added[0]?.id]);
  });

  it("is its user's alone", async () => {
    const { root, store } = opened();
    mkdirSync(root, { mode: 0o755 });
    const { id } = await store.add(content(), NOTE);
    for (const folder of [root, join(root, id)]) expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(join(root, id))) expect(statSync(join(root, id, file)).mode & 0o777).toBe(0o600);
  });

  it("removes what somebody left behind who was killed, when nobody can be at work on it any more", async () => {
    const { root, store } = opened();
    mkdirSync(join(root, ".partial-old"), { recursive: true });
    mkdirSync(join(root, ".partial-new"));
    const hoursAgo = statSync(root).mtimeMs / 1000 - 7200;
    utimesSync(join(root, ".partial-old"), hoursAgo, hoursAgo);
    await store.add(content(), NOTE);
    expect(existsSync(join(root, ".partial-old"))).toBe(false);
    expect(existsSync(join(root, ".partial-new"))).toBe(true);
    expect(await store.list()).toHaveLength(1);
  });

  it("A10 holds so many that are pending, and more once some are decided", async () => {
    const { store } = opened();
    const ids: string[] = [];
    for (let at = 0; at < PROPOSAL_BOUNDS.pending; at++) {
      ids.push((await store.add(content({ sources: { "hook.ts": String(at) } }), NOTE)).id);
    }
    const one = content({ sources: { "hook.ts": "one more" } });
    await expect(store.add(one, NOTE)).rejects.toMatchObject({ code: "too-many-proposals" });
    await store.decide(ids[0] ?? "", { kind: "rejected", by: "me", at: NOTE.at, reason: "no" });
    expect(await store.add(one, NOTE)).toMatchObject({ isNew: true });
  });

  it("refuses what is too large, and keeps nothing of it", async () => {
    const { root, store } = opened();
    const large = content({ component: Buffer.alloc(PROPOSAL_BOUNDS.component + 1) });
    await expect(store.add(large, NOTE)).rejects.toMatchObject({ code: "too-large" });
    expect(existsSync(root)).toBe(false);
  });

  it("decides once", async () => {
    const { store } = opened();
    const { id } = await store.add(content(), NOTE);
    const signature = digestOf("signature");
    await store.decide(id, { kind: "approved", by: "me", at: 1, key: "ed25519:k", signature });
    expect(await store.get(id)).toMatchObject({ decision: { kind: "approved", signature } });
    await expect(store.decide(id, { kind: "rejected", by: "me", at: 2, reason: "no" })).rejects.toMatchObject({
      code: "proposal-approved",
    });
  });

  it.each(["../../etc", "", "0123456789ABCDEF", "0123456789abcdef/..", "0123456789abcdef"])(
    "knows no `%s`",
    async (id) => {
      await expect(opened().store.get(id)).rejects.toMatchObject({ code: "no-such-proposal" });
    },
  );
});

describe("S14 a proposal whose files were changed", () => {
  const changes: readonly (readonly [string, (folder: string) => void])[] = [
    ["has another byte in its component", (folder) => writeFileSync(join(folder, "component.wasm"), "\0asn")],
    ["has another source", (folder) => writeFileSync(join(folder, "sources.json"), '{"hook.ts":"2"}')],
    ["has a source more", (folder) => writeFileSync(join(folder, "sources.json"), '{"hook.ts":"1","a.ts":""}')],
    ["has sources that are no texts", (folder) => writeFileSync(join(folder, "sources.json"), '{"hook.ts":1}')],
    ["has another manifest", (folder) => writeFileSync(join(folder, "hook.yaml"), "name: gate2")],
    ["has lost a file", (folder) => rmSync(join(folder, "hook.yaml"))],
    ["has lost its note", (folder) => rmSync(join(folder, "proposal.json"))],
    [
      "has a decision that nobody made",
      (folder) => writeFileSync(join(folder, "decision.json"), '{"kind":"approved"}'),
    ],
    ["has a file that is too large", (folder) => writeFileSync(join(folder, "hook.yaml"), Buffer.alloc(300 * 1024))],
    [
      "has a link in place of a file",
      (folder) => {
        writeFileSync(join(folder, "..", "component"), "\0asm");
        rmSync(join(folder, "component.wasm"));
        symlinkSync(join(folder, "..", "component"), join(folder, "component.wasm"));
      },
    ],
    [
      "has a folder in place of a file",
      (folder) => {
        rmSync(join(folder, "component.wasm"));
        mkdirSync(join(folder, "component.wasm"));
      },
    ],
  ];

  it.each(changes)("%s: it is given to nobody and hides no other", async (_, change) => {
    const { root, store } = opened();
    const { id } = await store.add(content(), NOTE);
    const other = await store.add(content({ sources: {} }), NOTE);
    change(join(root, id));
    await expect(store.get(id)).rejects.toMatchObject({ code: "proposal-changed", exit: 5 });
    const rejected = { kind: "rejected", by: "me", at: 1, reason: "no" } as const;
    await expect(store.decide(id, rejected)).rejects.toMatchObject({ code: "proposal-changed" });
    await expect(store.add(content(), NOTE)).rejects.toMatchObject({ code: "proposal-changed" });
    const listed = await store.list();
    expect(listed.map((one) => (one.ok ? one.proposal.id : `${one.id} changed`))).toEqual([other.id, `${id} changed`]);
  });
});
