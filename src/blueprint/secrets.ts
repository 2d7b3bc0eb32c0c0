import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import type { JsonObject } from "../model/json.ts";
import type { ToolSpec } from "../model/tool.ts";
import type { PinReader } from "./pins.ts";

/** Adds a fault for every tool that is to be handed a secret and that the registry hands it nowhere: it would never have it. */
export function checkSecrets(
  secrets: AgentBlueprint["spec"]["secrets"],
  registry: JsonObject | undefined,
  reader: PinReader,
): void {
  if (registry === undefined) return;
  const { tools } = registry.spec as unknown as { readonly tools: readonly ToolSpec[] };
  for (const [name, secret] of Object.entries(secrets)) {
    for (const [index, tool] of secret.tools.entries()) {
      const uses = tools.find((one) => one.name === tool)?.secrets ?? [];
      if (uses.some((use) => use.name === name)) continue;
      const why = `the pinned tool registry hands \`${tool}\` no secret \`${name}\``;
      reader.fault(`/spec/secrets/${name}/tools/${index}`, `${why}: expected it in \`secrets\` of that tool`);
    }
  }
}
