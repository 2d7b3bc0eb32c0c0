import { type ResolvedBlueprint, resolveFromStore } from "../../blueprint/resolve.ts";
import { KERNEL_VERSION } from "../../kernel/version.ts";
import { canonicalJson, type Digest, isDigest } from "../../model/canonical.ts";
import { InputError, PinionError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { type Environment, resolveDeps, storeOf } from "../machine.ts";
import { chooseModel } from "../model.ts";
import { type Header, readHeader } from "../spec.ts";
import { withTrust } from "../trust/trust.ts";
import { type Made, madeOf } from "./made.ts";
import { type SignatureSeen, signaturesOf } from "./signatures.ts";

/** A pin of a header, and whether its bytes are to be had. */
export interface PinSeen {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly state: "here" | "missing" | "changed";
  /** In words, unless it is here. */
  readonly message: string;
}

export interface Evidence {
  readonly pins: readonly PinSeen[];
  /** Where the header contradicts what it pins. */
  readonly contradictions: readonly string[];
  /** Of every hook whose pin names one, and of every hook that the header says is trusted. */
  readonly signatures: readonly SignatureSeen[];
  /** Undefined where something is missing, changed, or of another kernel version; `why` says what. */
  readonly made: Made | undefined;
  readonly why: string;
}

/**
 * Makes again what the header of a recording names, from the artifact store and from `artifacts`, further folders of the same
 * layout. What is missing, changed or contradictory is said, not thrown.
 */
export async function evidenceOf(
  header: JsonObject,
  artifacts: readonly string[],
  env: Environment,
): Promise<Evidence> {
  const store = storeOf(env, artifacts);
  const pins: PinSeen[] = [];
  for (const pin of pinsOf(header)) {
    pins.push({ ...pin, ...(await seen(pin.digest, (digest) => store.get(digest))) });
  }
  const lacking = pins.filter(({ state }) => state !== "here");
  if (lacking.length > 0) {
    const why = `${lacking.length} of ${pins.length} pinned artifacts are not to be had`;
    return { pins, contradictions: [], signatures: [], made: undefined, why };
  }
  if (header.kernel !== KERNEL_VERSION) {
    const why = `it was made by kernel version \`${String(header.kernel)}\`, this is \`${KERNEL_VERSION}\``;
    return { pins, contradictions: [], signatures: [], made: undefined, why };
  }
  try {
    const read = readHeader(header);
    const resolved = await resolveFromStore(read.source, resolveDeps(store));
    const signatures = await signaturesOf(resolved.hooks, read.trust, store, env);
    const made = madeOf(read, withTrust(resolved, read.trust));
    return { pins, contradictions: contradictionsOf(header, read, resolved), signatures, made, why: "" };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const missing = error instanceof InputError && error.code === "artifact-missing";
    const contradictions = missing ? [] : [error.message];
    return { pins, contradictions, signatures: [], made: undefined, why: error.message };
  }
}

/** What the blueprint pins, and the manifests of proposals in shadow. */
function pinsOf({ pins, shadows }: JsonObject): Pick<PinSeen, "kind" | "name" | "version" | "digest">[] {
  const pinned = listOf(pins).map(({ kind, name, version, digest }) => ({ kind: String(kind), name, version, digest }));
  const shadowed = listOf(shadows).map(({ name, version, manifest: digest }) => ({
    kind: "shadow",
    name,
    version,
    digest,
  }));
  return [...pinned, ...shadowed].map(({ kind, name, version, digest }) => {
    return { kind, name: String(name), version: String(version), digest: String(digest) };
  });
}

function listOf(json: Json | undefined): readonly JsonObject[] {
  return Array.isArray(json) ? json.map((one: Json) => (isJsonObject(one) ? one : {})) : [];
}

async function seen(
  digest: string,
  get: (digest: Digest) => Promise<Uint8Array>,
): Promise<Pick<PinSeen, "state" | "message">> {
  if (!isDigest(digest)) return { state: "changed", message: `\`${digest}\` is no digest` };
  try {
    await get(digest);
    return { state: "here", message: "" };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const missing = error instanceof InputError && error.code === "artifact-missing";
    return missing
      ? { state: "missing", message: `no artifact \`${digest}\` in the store or in a folder that was given` }
      : { state: "changed", message: error.message };
  }
}

/** What a header of this kernel version says. Whatever else stands there, such as a mark of how the run was tampered with, is refused. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...["format", "kernel", "run", "parent", "depth", "layer", "agent", "blueprint", "source", "pins", "limits", "model"],
  ...["chosen", "inherited", "around", "trust", "shadows", "delegated", "node", "jco", "hookHost"],
]);

function contradictionsOf(header: JsonObject, read: Header, resolved: ResolvedBlueprint): string[] {
  const { agent } = resolved;
  const { provider, id } = chooseModel(resolved, read.chosen);
  const said: [string, Json, Json | undefined][] = [
    ["blueprint", agent.blueprint, header.blueprint],
    ["agent", { name: agent.name, version: agent.version }, header.agent],
    ["pins", resolved.pins as unknown as Json, header.pins],
    ["limits", resolved.limits as unknown as Json, header.limits],
    ["model", { provider, id }, header.model],
  ];
  const unknown = Object.keys(header).filter((member) => !MEMBERS.has(member));
  const marks = unknown.map((member) => `the header has a member \`${member}\` that no run has`);
  const wrong = said.flatMap(([member, expected, found]) => {
    const [pinned, stands] = [canonicalJson(expected), canonicalJson(found ?? null)];
    return pinned === stands
      ? []
      : [`the header's \`${member}\` is not that of its blueprint: expected ${pinned}, found ${stands}`];
  });
  return [...marks, ...wrong];
}
