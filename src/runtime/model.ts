import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { createModel } from "../llm/model.ts";
import { type Provider, parseModel } from "../llm/provider.ts";
import type { ModelScript } from "../llm/script/script.ts";
import { createScriptedModel } from "../llm/script/scripted.ts";
import { InputError } from "../model/errors.ts";
import type { ModelPort } from "../model/message.ts";
import type { Environment } from "./machine.ts";

/** Which model a run uses: the blueprint's, unless the person who starts it says another. */
export interface ModelChoice {
  readonly provider: Provider;
  readonly id: string;
  readonly baseUrl?: string | undefined;
}

/** What the person who starts a run says about its model, and that of its children. */
export interface Chosen {
  /** `<provider>:<id>` */
  readonly model?: string | undefined;
  readonly baseUrl?: string | undefined;
}

export function chooseModel(resolved: ResolvedBlueprint, options: Chosen): ModelChoice {
  const { adapter, model, baseUrl } = resolved.runtime;
  if (options.model === undefined) {
    return { provider: adapter, id: model, baseUrl: options.baseUrl ?? baseUrl };
  }
  const chosen = parseModel(options.model);
  return { provider: chosen.provider, id: chosen.model, baseUrl: options.baseUrl };
}

/** Throws `InputError` for a missing key, an unknown script, an address that is needed. */
export function openModel(resolved: ResolvedBlueprint, choice: ModelChoice, env: Environment): ModelPort {
  const { provider, id, baseUrl } = choice;
  if (provider === "scripted") {
    const script = resolved.scripts[id];
    if (script === undefined) {
      throw new InputError({
        code: "no-script",
        message: `there is no script \`${id}\` in \`spec.pins.scripts\` of blueprint \`${resolved.agent.name}\``,
        hint: `pinned scripts: ${Object.keys(resolved.scripts).join(", ") || "none"}`,
      });
    }
    return createScriptedModel(script as unknown as ModelScript);
  }
  const { timeoutMs, retries } = resolved.runtime;
  return createModel(
    { provider, model: id, baseUrl, timeoutMs, retries },
    { env: env.env, random: () => (env.random(4)[0] ?? 0) / 256 },
  );
}
