import { InputError } from "../model/errors.ts";

/** What OpenAI, Anthropic and Gemini all take as the name of a tool. */
const ALLOWED = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** Tool names as the provider sees them, and back. */
export interface ToolNames {
  toProvider(name: string): string;
  /** A name that was never offered comes back as it is, and is refused as unknown later. */
  fromProvider(name: string): string;
}

/**
 * Maps dots to underscores, one to one. Throws `InputError` when two names become the same, or one fits no provider
 * (A2: a name that shadows another never reaches a model).
 */
export function toolNames(names: readonly string[]): ToolNames {
  const back = new Map<string, string>();
  for (const name of names) {
    const there = underscored(name);
    const other = back.get(there);
    if (other !== undefined) {
      throw new InputError({
        code: "tool-name-collision",
        message: `the tools \`${other}\` and \`${name}\` are both \`${there}\` to a model provider: expected names that differ in more than dots and underscores`,
        hint: "rename one of them in the tool registry",
      });
    }
    if (!ALLOWED.test(there)) {
      throw new InputError({
        code: "tool-name",
        message: `\`${name}\` cannot be the name of a tool: expected a letter or underscore, then at most 63 letters, digits, \`_\`, \`-\` or \`.\``,
      });
    }
    back.set(there, name);
  }
  return {
    // A call of an unknown tool stays in the conversation; its name must not make the provider refuse the request.
    toProvider: (name) => (ALLOWED.test(underscored(name)) ? underscored(name) : "unknown_tool"),
    fromProvider: (name) => back.get(name) ?? name,
  };
}

function underscored(name: string): string {
  return name.replaceAll(".", "_");
}
