import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../model/errors.ts";
import type { Role } from "../model/phase.ts";
import { syncFolder } from "./replace.ts";
import { ENTRIES, type Language } from "./sources.ts";

/** As schemas/hook.v1.json has it. */
const NAME = /^(?!constructor$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const MAX_NAME = 64;

/** What `--lang` calls the languages. */
export const LANGUAGES: Readonly<Record<string, Language>> = {
  ts: "typescript",
  assemblyscript: "assemblyscript",
  c: "c",
};

export interface Scaffold {
  readonly name: string;
  readonly language: Language;
  readonly role: Role;
  /** The folder to make; it must not be there yet. */
  readonly folder: string;
  /** Where Pinion is: its `templates/hook` and `packages/hook-sdk`. */
  readonly installation: string;
}

/**
 * Makes the folder of a new hook: manifest, source, cases, an event to try it with, and what its language needs. It is there as a
 * whole or not at all. Gives the names of its files. Throws `InputError` for a bad name, and for a folder that is there already or
 * cannot be made.
 */
export async function scaffold(parts: Scaffold): Promise<readonly string[]> {
  checkName(parts.name);
  const files = contents(parts);
  try {
    await make(parts.folder, files);
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw cause;
    throw new InputError({
      code: "folder-unusable",
      message: `\`${parts.folder}\` cannot be made (${code})`,
      hint: "choose another folder with `--dir`",
      cause,
    });
  }
  return [...files.keys()].sort();
}

async function make(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const taken = new InputError({
    code: "folder-exists",
    message: `\`${folder}\` is there already`,
    hint: "take another name, or another folder with `--dir`",
  });
  if (existsSync(folder)) throw taken;
  await makeFolder(dirname(folder));
  const partial = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    for (const [path, text] of files) await write(join(partial, path), text);
    // An empty folder would be replaced; any other is refused by the system itself.
    if (existsSync(folder)) throw taken;
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR" ? taken : error;
  }
  await syncFolder(dirname(folder));
}

/** With its parents. Node's own way never ends below a folder like /proc, which is there and takes no others. */
async function makeFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

function checkName(name: string): void {
  if (name.length <= MAX_NAME && NAME.test(name)) return;
  const shown = JSON.stringify(name.slice(0, MAX_NAME));
  const rest = name.length > MAX_NAME ? `… (${name.length} characters)` : "";
  throw new InputError({
    code: "bad-name",
    message: `${shown}${rest} is no name for a hook: expected lower-case letters, digits and single hyphens, at most ${MAX_NAME} characters`,
    hint: "for example `no-weekends`",
  });
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx", 0o666);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The files of the new folder by their path. */
function contents({ name, language, role, installation }: Scaffold): ReadonlyMap<string, string> {
  const templates = join(installation, "templates/hook");
  const files = new Map<string, string>();
  const add = (path: string, from: string) => files.set(path, readFileSync(from, "utf8").replaceAll("HOOK_NAME", name));
  for (const file of ["hook.yaml", "cases.yaml", "event.json"]) add(file, join(templates, "roles", role, file));
  if (language === "typescript") {
    add(ENTRIES.typescript, join(templates, "ts", `${role}.ts`));
    for (const file of ["package.json", "tsconfig.json"]) add(file, join(templates, "ts", file));
    const sdk = join(installation, "packages/hook-sdk");
    for (const file of globSync("*.ts", { cwd: sdk })) add(`sdk/${file}`, join(sdk, file));
  } else if (language === "assemblyscript") {
    const from = join(templates, "assemblyscript");
    add("assembly/hook.ts", join(from, `${role}.ts`));
    for (const file of ["index.ts", "json.ts", "pinion.ts"]) add(`assembly/${file}`, join(from, file));
    for (const file of ["asconfig.json", "package.json", "tsconfig.json"]) add(file, join(from, file));
  } else {
    add(ENTRIES.c, join(templates, "c", `${role}.c`));
    add("pinion.h", join(templates, "c/pinion.h"));
  }
  files.set("README.md", readme(name, language, role));
  return files;
}

const SOURCE: Readonly<Record<Language, string>> = {
  typescript: "`hook.ts`; `sdk/` is Pinion's SDK, which an editor checks it against",
  assemblyscript: "`assembly/hook.ts`; what is beside it is the glue to Pinion",
  c: "`hook.c`; `pinion.h` is the glue to Pinion",
};
const COMPILER: Readonly<Record<Language, string>> = {
  typescript: "`npm install` gets the compiler, componentize-qjs, where Pinion does not bring it.",
  assemblyscript: "`npm install` gets the compiler, and with it the types for an editor.",
  c: "The compiler is clang with wasm-ld: `apt-get install clang lld`.",
};

const PHASE: Readonly<Record<Role, string>> = { gate: "pre-tool", transformer: "pre-plan", observer: "audit" };

function readme(name: string, language: Language, role: Role): string {
  return `# ${name}

A hook of Pinion: a ${role}. Its source is ${SOURCE[language]}. \`hook.yaml\` says what it is and what it may use,
\`cases.yaml\` what it must answer.

\`\`\`sh
hook build                                          # ${name}.wasm, and its digest in hook.yaml
hook test                                           # asks the cases
hook run --phase ${PHASE[role].padEnd(8)} --input event.json      # asks once, and shows everything
hook bench                                          # how long it takes
hook inspect .                                      # what it is made of, and what it can reach
\`\`\`

${COMPILER[language]} Commit \`${name}.wasm\`: blueprints pin its bytes, not its source.
`;
}
