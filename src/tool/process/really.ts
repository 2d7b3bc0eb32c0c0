import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";

/**
 * The command lines that one comes to, by what was found for it: under the name that the executable really has (`nodejs` may be a
 * link to `node`), and, for a script, that of its interpreter. `executable` as `process.run` resolves it; pure.
 */
export function reallyRun(argv: readonly string[], executable: Json | undefined): readonly (readonly string[])[] {
  const found = pathOf(executable);
  if (found === undefined) return [];
  const words = argv.slice(1);
  const own = [nameOf(found), ...words];
  const interpreter = isJsonObject(executable) ? executable.interpreter : undefined;
  const program = pathOf(interpreter);
  if (program === undefined) return [own];
  const given =
    isJsonObject(interpreter) && Array.isArray(interpreter.arguments) ? interpreter.arguments.map(String) : [];
  return [own, [nameOf(program), ...given, found, ...words]];
}

/** The same for a call of any tool, by what it resolved to. */
export function reallyCalled({ argv }: JsonObject, { executable }: JsonObject): readonly (readonly string[])[] {
  return Array.isArray(argv) ? reallyRun(argv.map(String), executable) : [];
}

function pathOf(facts: Json | undefined): string | undefined {
  return isJsonObject(facts) && typeof facts.path === "string" ? facts.path : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
