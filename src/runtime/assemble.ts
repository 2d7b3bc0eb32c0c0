import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { FileDriver } from "../hostcall/files.ts";
import { Hostcalls } from "../hostcall/serve.ts";
import { callForHook } from "../kernel/calls.ts";
import { heed } from "../kernel/control.ts";
import type { PermissionPort } from "../kernel/permission.ts";
import { Run, type RunSpec, type Start } from "../kernel/run.ts";
import type { ApprovalRules } from "../model/approval.ts";
import type { Journal } from "../model/entry.ts";
import type { FileAction, HookHosts, PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import type { ModelPort } from "../model/message.ts";
import type { Phase } from "../model/phase.ts";
import type { Permission, ToolBox } from "../model/tool.ts";
import { Pipeline } from "../pipeline/dispatch.ts";
import { Failures } from "../pipeline/failures.ts";
import { Instances } from "../pipeline/instances.ts";
import { planChains } from "../pipeline/plan.ts";
import { invalidCapsule, invalidPayload } from "../pipeline/schemas.ts";
import type { ShadowHook } from "../pipeline/shadow.ts";
import { Shadows } from "../pipeline/shadows.ts";
import type { MakeLeases } from "./leases.ts";

/** What a run is made of, live or replayed. */
export interface Parts {
  readonly spec: RunSpec;
  readonly hooks: readonly PinnedHook[];
  readonly chain: Readonly<Partial<Record<Phase, readonly string[]>>>;
  /** Asked beside the chains, and never obeyed. */
  readonly shadows: readonly ShadowHook[];
  readonly journal: Journal;
  readonly model: ModelPort;
  readonly tools: ToolBox;
  readonly permission: PermissionPort;
  readonly hosts: HookHosts;
  /** Verified bytes of a hook's component. */
  readonly component: (hook: PinnedHook) => Promise<Uint8Array>;
  readonly files: FileDriver;
  readonly permitFile: (action: FileAction, path: string) => Permission;
  readonly leases: MakeLeases;
  readonly start: () => Promise<Start>;
  readonly approvals: ApprovalRules;
  /** Whether deadlines of hooks count: not while a record is replayed, where recorded faults are imposed instead. */
  readonly deadlines: boolean | (() => boolean);
  /** Goes on with a child that paused, until it rests again. */
  readonly resumeChild: (run: string, signal: AbortSignal) => Promise<JsonObject>;
  /** Of a run that its parent waits for. */
  readonly child: boolean;
  /** Aborted when nobody waits for the run any more. */
  readonly signal?: AbortSignal;
}

/** Joins kernel, pipeline, hook hosts and hostcalls into one run. `close` kills the run's hook hosts. */
export function assemble(parts: Parts): { readonly run: Run; close(): Promise<void> } {
  const { journal } = parts;
  const plan = planChains(parts.hooks, parts.chain);
  const used = parts.hooks.filter((hook) => Object.values(plan).some((chain) => chain.hooks.includes(hook)));
  const failures = new Failures();
  const levels = new Map<number, { readonly instances: Instances; readonly pipeline: Pipeline }>();
  let seed = "";
  const derive = (name: string): string =>
    createHmac("sha256", Buffer.from(seed, "hex")).update(`pinion/${name}`).digest("hex");

  const { leases, desk } = parts.leases({
    journal,
    hooks: parts.hooks.map(({ name }) => name),
    token: (name) => derive(name).slice(0, 32),
  });
  const shadows = new Shadows(parts.shadows, {
    hosts: parts.hosts,
    journal,
    component: parts.component,
    seed: (hook) => derive(`shadow/${hook.digest}`),
    deadlines: parts.deadlines,
    invalidCapsule,
    capsules: () => run.capsuleTexts(),
  });

  const hostcalls = new Hostcalls({
    journal,
    callTool: (request) => callForHook(run, request),
    heed: () => heed(run),
    trusts: (hook) => !run.distrusted.has(hook),
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    leases: desk,
    files: parts.files,
    permit: parts.permitFile,
    lost: (what) => {
      run.pauseWhy ??= `outcome unknown: the run crashed during ${what}`;
    },
    token: (name) => derive(name).slice(0, 32),
    grants: (number) => level(number).instances.receipt,
  });

  function level(number: number): { readonly instances: Instances; readonly pipeline: Pipeline } {
    const known = levels.get(number);
    if (known !== undefined) return known;
    const instances = new Instances({
      hosts: parts.hosts,
      journal,
      hooks: used,
      component: parts.component,
      seed: (instance) => derive(`instance/${instance}`),
      deadlines: parts.deadlines,
      failures,
      gone: (hook) => hostcalls.forget(hook, number),
      level: number,
      holding: () => parts.child || [...levels.values()].some(({ instances }) => instances.holds),
      signal: parts.signal,
    });
    const pipeline = new Pipeline({
      plan,
      instances,
      failures,
      journal,
      level: number,
      invalidPayload,
      invalidCapsule,
      serve: (event, at) => hostcalls.serve(event, at),
      capsules: () => run.capsuleTexts(),
      shadows,
    });
    const made = { instances, pipeline };
    levels.set(number, made);
    return made;
  }

  const run: Run = new Run(parts.spec, {
    journal,
    model: parts.model,
    tools: parts.tools,
    permission: parts.permission,
    gates: (number) => level(number).pipeline,
    loadHooks: async (sealed) => {
      seed = sealed;
      await level(0).instances.start();
    },
    rearm: (hook) => {
      // The next answer comes from a fresh instance, on every level.
      for (const { instances } of levels.values()) instances.discard(hook);
      return failures.rearm(hook);
    },
    revoke: (hook) => hostcalls.revoke(hook),
    leases,
    start: parts.start,
    approvals: parts.approvals,
    resumeChild: parts.resumeChild,
  });
  return {
    run,
    close: async () => {
      await Promise.all([shadows, ...[...levels.values()].map(({ instances }) => instances)].map((one) => one.close()));
    },
  };
}
