import { canonicalJson, digestOf, type Json, type JsonObject, type Made, type RecordedEntry } from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { type BoundarySeen, boundaryOf, member, type VerdictSeen } from "./read.ts";

const LETS_THROUGH: readonly string[] = ["allow", "transform"];

/**
 * Whether at every boundary the whole chain that the blueprint pins was asked, in its order and with its bytes, and whether the
 * decision is what the verdicts, the permission and the audit come to.
 */
export class HookCheck implements EntryCheck {
  readonly #found = new Findings("hooks");
  readonly #made: Made | undefined;
  readonly #why: string;
  #boundaries = 0;
  #loads = 0;

  constructor(made: Made | undefined, why: string) {
    this.#made = made;
    this.#why = why;
  }

  see(recorded: RecordedEntry): void {
    if (recorded.entry.kind === "check.hooks") this.#loaded(recorded);
    if (recorded.entry.kind !== "check.boundary") return;
    this.#boundaries += 1;
    const boundary = boundaryOf(recorded);
    if (boundary === undefined) {
      this.#found.fail("is no boundary as a kernel writes it", recorded.entry.seq);
      return;
    }
    if (this.#loads === 0) this.#found.fail("is a boundary, and no hooks have been loaded", boundary.seq);
    this.#asked(boundary);
    this.#decided(boundary);
    this.#digest(boundary);
  }

  end(): CheckResult {
    const seen = `${this.#boundaries} boundaries, hooks loaded ${this.#loads} times`;
    return this.#found.result(
      seen,
      this.#made === undefined ? `whether all pinned hooks were asked is not known: ${this.#why}` : undefined,
    );
  }

  #loaded({ entry: { seq, body } }: RecordedEntry): void {
    this.#loads += 1;
    if (this.#made === undefined) return;
    const expected = this.#made.hooks.map((hook) => canonicalJson(pinned(hook)));
    const found = Array.isArray(body.hooks) ? body.hooks.map((hook: Json) => canonicalJson(loaded(hook))) : [];
    if (expected.join("\n") === found.join("\n")) return;
    this.#found.fail("the hooks that were loaded are not those that are pinned", seq);
  }

  #asked(boundary: BoundarySeen): void {
    if (this.#made === undefined) return;
    this.#sameHooks(boundary, this.#made.chain[boundary.phase], boundary.verdicts, `\`${boundary.phase}\``);
    this.#sameHooks(boundary, this.#made.chain.audit, boundary.audit, "its audit");
  }

  #sameHooks({ seq }: BoundarySeen, chain: Made["hooks"], verdicts: readonly VerdictSeen[], what: string): void {
    const missing = chain.filter((hook) => !verdicts.some((verdict) => verdict.hook === hook.name));
    const text = (all: readonly Omit<VerdictSeen, "hook" | "decision">[]) =>
      all.map(({ digest, role, tier, signer }) => `${digest} ${role} ${tier} ${signer}`).join("\n");
    const expected = chain.map((hook) => ({ ...hook, signer: hook.signer?.id }));
    if (missing.length > 0) {
      const names = missing.map(({ name }) => `\`${name}\``).join(", ");
      this.#found.fail(`${what} has no verdict of ${names}, which the blueprint pins there`, seq);
    } else if (text(expected) !== text(verdicts)) {
      this.#found.fail(`the verdicts of ${what} are not those of the pinned chain, in its order`, seq);
    }
  }

  /** The fold of invariants 3 and 5. */
  #decided(boundary: BoundarySeen): void {
    const { seq, phase, decision, verdicts, audit, permission, approvals, demands, approval, pending } = boundary;
    const blocking =
      verdicts.find((verdict) => !LETS_THROUGH.includes(verdict.decision)) ??
      audit.find((verdict) => !LETS_THROUGH.includes(verdict.decision));
    const denied = phase === "pre-tool" && permission?.allow !== true;
    const against = blocking !== undefined || denied || permission?.allow === false;
    const unmet = (approvals.length > 0 || demands.length > 0) && approval === undefined;
    const blocked = against || unmet;
    if (pending && (against || !unmet)) this.#found.fail("it is said to wait for an approval, and does not", seq);
    if (decision === "allow" && blocked) {
      const why =
        blocking !== undefined
          ? `hook \`${blocking.hook}\` said \`${blocking.decision}\``
          : denied
            ? "no permission stands in it"
            : "something it demands was not met";
      this.#found.fail(`it is said to allow, but ${why}`, seq);
    }
    if (decision === "block" && !blocked) this.#found.fail("it is said to block, and nothing in it blocks", seq);
  }

  #digest({ seq, phase, decision, payload, payloadDigest, pending }: BoundarySeen): void {
    if (decision === "block" && !pending) {
      if (payload !== undefined) this.#found.fail("it blocks, and shows what it did not let through", seq);
    } else if (payload === undefined) {
      this.#found.fail("it allows, and does not say what", seq);
    } else if ((phase !== "pre-send" || pending) && digestOf(canonicalJson(payload)) !== payloadDigest) {
      this.#found.fail(`what it let through does not have the digest that it names`, seq);
    }
  }
}

function pinned(hook: Made["hooks"][number]): JsonObject {
  const { name, version, digest, component, role, tier, signer, instance, limits, authority } = hook;
  const files = authority.files.map((file) => ({ ...file, actions: [...file.actions] }));
  const grants = { tools: [...authority.tools], files };
  return {
    hook: name,
    version,
    digest,
    component,
    role,
    tier,
    signer: signer === null ? null : { ...signer },
    instance,
    limits: { ...limits },
    authority: grants,
  };
}

function loaded(json: Json): JsonObject {
  const of = (name: string): Json => member(json, name) ?? null;
  return {
    hook: of("hook"),
    version: of("version"),
    digest: of("digest"),
    component: of("component"),
    role: of("role"),
    tier: of("tier"),
    signer: of("signer"),
    instance: of("instance"),
    limits: of("limits"),
    authority: of("authority"),
  };
}
