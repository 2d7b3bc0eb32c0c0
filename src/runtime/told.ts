import type { Entry } from "../model/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";

/** What the entries of a journal say in clear of how far a run has come. */
export class Told {
  step = 0;
  usage: Readonly<Record<string, number>> = {};
  waiting: { readonly kind: string; readonly about: JsonObject } | null = null;
  /** Those that hold by now; undefined before the run has said so. */
  limits: Readonly<Record<string, number>> | undefined;
  startedAt: number | null = null;
  lastAt: number | null = null;
  /** Hooks that failed, with the cause. */
  readonly failed = new Map<string, string>();
  readonly revoked = new Set<string>();
  /** Hooks that ceased to be trusted, while that stops the run. */
  readonly distrusted = new Set<string>();

  hear({ kind, body, at }: Entry): void {
    this.startedAt ??= at ?? null;
    this.lastAt = at ?? this.lastAt;
    const ref = isJsonObject(body.ref) ? body.ref : {};
    switch (kind) {
      case "check.intent":
        this.waiting = { kind: String(body.kind), about: ref };
        return;
      case "check.boundary":
        this.#boundary(body);
        return;
      case "check.permission":
        this.limits = numbersIn(body.limits);
        return;
      case "check.hooks":
        for (const hook of objectsIn(body.hooks)) if (hook.state === "failed") this.#fails(hook);
        return;
      case "check.end":
        this.usage = usageIn(body.usage);
        return;
      case "input.control":
        if (ref.control === "rearm") this.failed.delete(String(ref.hook));
        if (ref.control === "revoke") this.revoked.add(String(ref.hook));
        if (ref.control === "distrust") this.distrusted.add(String(ref.hook));
        if (ref.control === "resume") this.distrusted.clear();
        return;
      case "input.model":
      case "input.tool":
      case "input.file":
        this.waiting = null;
    }
  }

  #boundary(body: JsonObject): void {
    if (typeof body.step === "number") this.step = body.step;
    const payload = isJsonObject(body.payload) ? body.payload : {};
    if (isJsonObject(payload.usage)) this.usage = usageIn(payload.usage);
    for (const verdict of [...objectsIn(body.verdicts), ...objectsIn(body.audit)]) {
      if (verdict.decision === "failed") this.#fails(verdict);
    }
  }

  #fails({ hook, cause }: JsonObject): void {
    if (typeof hook === "string") this.failed.set(hook, typeof cause === "string" ? cause : "failed");
  }
}

/** Under the names of the limits where there is one. */
function usageIn(value: Json | undefined): Readonly<Record<string, number>> {
  const { inputTokens = 0, outputTokens = 0, spawned = 0, elapsedMs = 0, ...more } = numbersIn(value);
  return {
    ...more,
    tokens: inputTokens + outputTokens,
    inputTokens,
    outputTokens,
    spawnCount: spawned,
    runMs: elapsedMs,
  };
}

export function numbersIn(value: Json | undefined): Readonly<Record<string, number>> {
  const members = isJsonObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(members.filter((member): member is [string, number] => typeof member[1] === "number"));
}

function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return (Array.isArray(value) ? (value as readonly Json[]) : []).filter(isJsonObject);
}
