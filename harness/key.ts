import { existsSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { type Environment, InputError, keyFile, type Recording, readRunKey } from "../src/index.ts";

/**
 * The run's key: from the file that was given, else from `<recording>.key` beside the recording, else the one that this machine
 * keeps; undefined when it is gone. Throws `InputError` where it was given and is not there, or is no key.
 */
export function runKeyOf(
  { header: { run } }: Recording,
  path: string,
  given: string | undefined,
  env: Environment,
): Uint8Array | undefined {
  const beside = `${path.replace(/\.jsonl$/, "")}.key`;
  const file = given !== undefined ? absolute(env.cwd, given) : existsSync(beside) ? beside : keyFile(env, run);
  const key = readRunKey(file);
  if (key !== undefined || given === undefined) return key;
  throw new InputError({
    code: "no-run-key",
    message: `the key of run \`${run}\` is not in \`${file}\``,
    hint: "give the file that holds it, or leave `--key` out to do without what is sealed",
  });
}
