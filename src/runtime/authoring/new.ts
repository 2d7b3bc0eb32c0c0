import { resolve as absolute, join, relative } from "node:path";
import { LANGUAGES, scaffold } from "../../authoring/scaffold.ts";
import { InputError } from "../../model/errors.ts";
import { ROLES } from "../../model/phase.ts";
import { type Environment, installation } from "../machine.ts";

/** What `hook new --json` prints. */
export interface NewHook {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
}

/** Makes the folder of a new hook below `dir`, the current folder unless given. Throws `InputError`. */
export async function newHook(
  given: { readonly name: string; readonly lang: string; readonly role: string; readonly dir?: string | undefined },
  env: Environment,
): Promise<NewHook> {
  const language = Object.hasOwn(LANGUAGES, given.lang) ? LANGUAGES[given.lang] : undefined;
  if (language === undefined) throw unknown("language", given.lang, Object.keys(LANGUAGES));
  const role = ROLES.find((one) => one === given.role);
  if (role === undefined) throw unknown("role", given.role, ["gate", "transformer", "observer"]);
  const folder = join(absolute(env.cwd, given.dir ?? "."), given.name);
  const files = await scaffold({ name: given.name, language, role, folder, installation: installation() });
  return { name: given.name, folder: relative(env.cwd, folder) || ".", files };
}

function unknown(what: string, given: string, known: readonly string[]): InputError {
  return new InputError({ code: "usage", message: `there is no ${what} \`${given}\`: expected ${known.join(", ")}` });
}
