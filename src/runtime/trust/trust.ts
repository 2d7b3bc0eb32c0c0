import type { ArtifactStore } from "../../artifact/store.ts";
import type { ResolvedBlueprint } from "../../blueprint/resolve.ts";
import { loadDocument } from "../../blueprint/yaml.ts";
import type { Digest } from "../../model/canonical.ts";
import { IntegrityError } from "../../model/errors.ts";
import type { HookManifest } from "../../model/generated/hook.ts";
import type { PinnedHook, Signer } from "../../model/hook.ts";
import { decideTrust, type Trust } from "../../trust/decide.ts";
import type { Keyring } from "../../trust/keyring.ts";
import { type HookSignature, readHookSignature, type SignedHook } from "../../trust/signature.ts";
import { instant } from "../../trust/statement.ts";
import { compareVersions } from "../../trust/version.ts";
import { type Environment, storeOf } from "../machine.ts";
import type { Header } from "../spec.ts";
import { keyringStamp, readKeyring } from "./keyring.ts";
import { type Memory, remember } from "./memory.ts";

/** A hook whose pin names a signature, with what that says. */
export interface Signed {
  readonly hook: SignedHook;
  readonly signature: HookSignature;
}

/** All signed hooks of a run, found to be trusted. */
export interface Established {
  /** By the name of the hook. */
  readonly signers: Readonly<Record<string, Signer>>;
  readonly signed: readonly Signed[];
  /** When it was, ms since the epoch: the clock, or what was seen of it where that is later. */
  readonly at: number;
  /** When it ceases to hold if nothing changes; null: never. */
  readonly until: number | null;
  /** Of the keyring, before it was read. */
  readonly stamp: string;
}

const NONE: Established = { signers: {}, signed: [], at: 0, until: null, stamp: "" };

/**
 * Verifies the signature of every hook whose pin names one, against keyring, clock, and the versions that were trusted before; what
 * is trusted now is remembered. Bytes come by digest from the store. Throws `IntegrityError` (`hook-not-trusted`) with all hooks that
 * are not trusted, and as `readKeyring` and `remember` do. Without such hooks nothing is read.
 */
export async function establishTrust(hooks: readonly PinnedHook[], env: Environment): Promise<Established> {
  const signed = await readSigned(hooks, storeOf(env));
  if (signed.length === 0) return NONE;
  const stamp = keyringStamp(env);
  const keyring = readKeyring(env);
  const { refused, ...established } = await remember(env, (memory) => {
    const at = Math.max(env.now(), memory.time);
    const decided = signed.map((one) => ({
      ...one,
      trust: decideTrust(one.hook, one.signature, circumstances(one, { keyring, at, memory })),
    }));
    const refused = decided.filter(({ trust }) => trust.kind === "not-trusted");
    const answer = { at, refused, ...summed(decided) };
    return {
      memory: { ...memory, time: at, versions: refused.length === 0 ? raised(memory, signed) : memory.versions },
      answer,
    };
  });
  if (refused.length > 0) throw notTrusted(refused, established.at > env.now() + AHEAD_MS ? established.at : undefined);
  return { ...established, signed, stamp };
}

type Decided = Signed & { readonly trust: Trust };

export function circumstances(
  { hook }: Signed,
  { keyring, at, memory }: { readonly keyring: Keyring; readonly at: number; readonly memory: Memory },
): Parameters<typeof decideTrust>[2] {
  const highest = Object.hasOwn(memory.versions, hook.name) ? memory.versions[hook.name] : undefined;
  return { keyring, now: at, highest };
}

/** The blueprint with what was established about its hooks: in a header, which a replay reads, or just now. */
export function withTrust(resolved: ResolvedBlueprint, signers: Header["trust"]): ResolvedBlueprint {
  const known = new Map(Object.entries(signers));
  const hooks = resolved.hooks.map((hook): PinnedHook => {
    const signer = hook.signature === null ? undefined : known.get(hook.name);
    return signer === undefined ? hook : { ...hook, tier: "trusted", signer };
  });
  return { ...resolved, hooks };
}

/** What the signature says and what it is said about, both of them the pinned bytes. */
export async function readSigned(hooks: readonly PinnedHook[], store: ArtifactStore): Promise<readonly Signed[]> {
  const signed: Signed[] = [];
  for (const { name, version, digest, component, role, phases, signature } of hooks) {
    if (signature === null) continue;
    const world = await worldOf(digest, store);
    signed.push({
      hook: { name, version, manifest: digest, component, role, phases, world },
      signature: readHookSignature(await store.get(signature), `hook.sig of ${name}@${version}`),
    });
  }
  return signed;
}

async function worldOf(manifest: Digest, store: ArtifactStore): Promise<string> {
  const bytes = await store.get(manifest);
  return loadDocument<HookManifest>(bytes, { file: `artifact ${manifest}`, schema: "hook" }).value.spec.world;
}

function summed(decided: readonly Decided[]): Pick<Established, "signers" | "until"> {
  const signers: Record<string, Signer> = {};
  let until = Number.POSITIVE_INFINITY;
  for (const { hook, trust } of decided) {
    if (trust.kind !== "trusted") continue;
    signers[hook.name] = trust.signer;
    until = Math.min(until, trust.until ?? until);
  }
  return { signers, until: Number.isFinite(until) ? until : null };
}

function raised({ versions }: Memory, signed: readonly Signed[]): Memory["versions"] {
  const highest: Record<string, string> = { ...versions };
  for (const { hook } of signed) {
    const known = highest[hook.name];
    if (known === undefined || compareVersions(known, hook.version) < 0) highest[hook.name] = hook.version;
  }
  return highest;
}

/** By so much what was seen of the time may be ahead of the clock, in ms, before that is worth a word. */
const AHEAD_MS = 60_000;

/** `ahead`: the time that was seen, where the clock is behind it. */
function notTrusted(refused: readonly Decided[], ahead: number | undefined): IntegrityError {
  const said = refused.map(({ hook, trust }) => {
    const why = trust.kind === "not-trusted" ? trust.why : "";
    return `hook \`${hook.name}@${hook.version}\` is not trusted: ${why}`;
  });
  const codes = new Set(refused.flatMap(({ trust }) => (trust.kind === "not-trusted" ? [trust.code] : [])));
  return new IntegrityError({ code: "hook-not-trusted", message: said.join("; "), hint: hintFor(codes, ahead) });
}

function hintFor(codes: ReadonlySet<string>, ahead: number | undefined): string {
  if (ahead !== undefined && (codes.has("expired") || codes.has("key-not-valid"))) {
    return `it was \`${instant(ahead)}\` here already; if that clock was wrong, \`hook trust forget --clock --reason TEXT\``;
  }
  if (codes.has("older-version")) {
    return "pin the newer version, or go back deliberately with `hook trust forget NAME --reason TEXT`";
  }
  if (codes.has("unknown-key")) {
    return "if you know whose key it is, `hook trust add`; a pin without `signature` runs the hook as sandboxed";
  }
  return "`hook trust list` shows the keyring; have the hook signed by a key that may, or pin it without `signature` as sandboxed";
}
