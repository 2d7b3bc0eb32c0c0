import { stringify } from "yaml";
import { buildConfined } from "../../authoring/confined/build.ts";
import { BuildError } from "../../authoring/fault.ts";
import { parseManifest } from "../../blueprint/manifest.ts";
import { canonicalJson, type Digest, digestOf } from "../../model/canonical.ts";
import { InputError } from "../../model/errors.ts";
import { ToolError } from "../../model/tool.ts";
import { inspectComponent } from "../../sandbox/inspection.ts";
import type { HookProposal } from "../../tool/hook-propose.ts";
import type { ProposalReceipt, Proposer } from "../../tool/ports.ts";
import { type Proposal, type Proposer as ProposedBy, stateOf } from "../../trust/proposals/proposal.ts";
import type { ProposalStore } from "../../trust/proposals/store.ts";
import { type Environment, installation } from "../machine.ts";
import { proposalsOf } from "./store.ts";

/**
 * Keeps what the agent of one run proposes. A source that does not build is an answer to the agent, and no proposal. What was
 * proposed before, whoever asked, is not built again: a second build has other bytes.
 */
export function proposerOf(
  by: Pick<ProposedBy & { readonly kind: "agent" }, "run" | "agent">,
  env: Environment,
): Proposer {
  return {
    async propose(proposal, signal) {
      const store = proposalsOf(env);
      const asked = askedOf(proposal);
      const earlier = await proposedBefore(asked, store);
      if (earlier !== undefined) return receiptOf(earlier);
      try {
        // What the manifest would say wrong is told before anything is built.
        parseManifest(Buffer.from(manifestText(proposal, digestOf(""))), "hook.yaml");
        const component = await built(proposal, signal);
        const { name, version, source, reason } = proposal;
        const manifest = Buffer.from(manifestText(proposal, digestOf(component)));
        const { run, agent } = by;
        const note = { name, version, by: { kind: "agent", run, agent, asked }, reason, at: env.now() } as const;
        const { id } = await store.add({ manifest, component, sources: { "hook.ts": source } }, note);
        return receiptOf(await store.get(id));
      } catch (error) {
        if (error instanceof BuildError || error instanceof InputError) throw new ToolError(error.code, error.message);
        throw error;
      }
    },
  };
}

/** What was asked for, whatever reason was given: names a proposal before it is built. */
export function askedOf({ name, version, role, phases, description, source }: HookProposal): Digest {
  return digestOf(canonicalJson({ name, version, role, phases, description, source }));
}

async function proposedBefore(asked: Digest, store: ProposalStore): Promise<Proposal | undefined> {
  const all = (await store.list()).flatMap((one) => (one.ok ? [one.proposal] : []));
  return all.find(({ note: { by } }) => by.kind === "agent" && by.asked === asked);
}

async function built({ source }: HookProposal, signal: AbortSignal): Promise<Uint8Array> {
  const component = await buildConfined({ source, node: process.execPath, installation: installation(), signal });
  const inspected = await inspectComponent(process.execPath, component, signal);
  if (inspected.ok) return component;
  throw new ToolError("bad-component", `what it compiles to cannot be a hook: ${inspected.detail}`);
}

function manifestText({ name, version, role, phases, description }: HookProposal, digest: Digest): string {
  return stringify({
    apiVersion: "pinion.dev/v1",
    kind: "Hook",
    metadata: { name, version, description },
    spec: { world: "pinion:hook/hook@1.0.0", component: { file: `${name}.wasm`, digest }, role, phases },
  });
}

function receiptOf(proposal: Proposal): ProposalReceipt {
  return { proposal: proposal.id, state: stateOf(proposal), component: proposal.digests.component };
}
