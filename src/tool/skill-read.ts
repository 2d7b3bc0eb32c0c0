import { digestOf } from "../model/canonical.ts";
import { IntegrityError } from "../model/errors.ts";
import { ToolError } from "../model/tool.ts";
import type { Skill } from "./ports.ts";
import { defineTool, fields, type Tool } from "./tool.ts";

interface Arguments {
  readonly name: string;
}

/** `skill.read`: the text of a pinned skill. Throws `IntegrityError` when its bytes are not what was pinned. */
export function skillRead(skills: readonly Skill[]): Tool {
  return defineTool<Arguments>({
    name: "skill.read",
    taxon: "pure",
    readOnly: true,
    idempotency: "idempotent",
    inputSchema: fields({ name: { type: "string" } }),
    outputSchema: fields({ name: { type: "string" }, version: { type: "string" }, content: { type: "string" } }),
    permit: ({ name }) => ({
      allow: true,
      rule: "blueprint: pins.skills",
      reason: `the skill \`${name}\` is read as pinned`,
    }),
    needs: () => [],
    prepare({ name }) {
      const skill = skills.find((one) => one.name === name);
      if (skill === undefined) {
        throw new ToolError("no-such-skill", `there is no skill \`${name}\`; there are: ${names(skills)}`);
      }
      const { version, digest } = skill;
      return {
        resolution: { skill: { name, version, digest } },
        async act() {
          const bytes = await skill.read();
          const found = digestOf(bytes);
          if (found !== digest) {
            throw new IntegrityError({
              code: "digest-mismatch",
              message: `the skill \`${name}\` is not what was pinned: expected ${digest}, found ${found}`,
            });
          }
          return { name, version, content: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
        },
        close: () => undefined,
      };
    },
  });
}

export function names(of: readonly { readonly name: string }[]): string {
  return of.length === 0 ? "none" : of.map(({ name }) => `\`${name}\``).join(", ");
}
