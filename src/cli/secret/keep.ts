import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type Passphrase, removeSecret, setSecret } from "../../runtime/secrets/manage.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { readDescriptor, readPassphrase, readValue as readTyped } from "../trust/passphrase.ts";
import { jsonLine, visible } from "../visible.ts";

interface Options {
  readonly passphraseFd?: number;
}

/** Bytes that are read; longer values are refused. */
const MOST = 65_536;

/** `pinion secret set` */
export async function set(call: Call<Options & { readonly valueFd?: number }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const [name = ""] = args;
  const value = () => readValue(name, options.valueFd);
  const done = await setSecret({ name, value, passphrase: passphraseOf(options) }, environment());
  const text = `${done.name} is ${done.replaced ? "replaced" : "kept"} in ${done.file}`;
  out.data(json ? jsonLine(done) : visible(text));
  return EXIT.ok;
}

/** `pinion secret rm` */
export async function remove({ args, options, json, out }: Call<Options>): Promise<ExitCode> {
  const [name = ""] = args;
  const done = await removeSecret({ name, passphrase: passphraseOf(options) }, environment());
  out.data(json ? jsonLine(done) : visible(`${done.name} is no longer in ${done.file}`));
  return EXIT.ok;
}

function passphraseOf({ passphraseFd }: Options): Passphrase {
  return async ({ path, isNew }) => {
    const prompt = isNew ? `new passphrase for ${path}` : `passphrase of ${path}`;
    return Buffer.from(await readPassphrase(passphraseFd, { prompt, isNew })).toString();
  };
}

async function readValue(name: string, fd: number | undefined): Promise<string> {
  if (fd === undefined) return readTyped({ prompt: `value of ${name}`, most: MOST });
  return Buffer.from(readDescriptor(fd, { what: "value", most: MOST + 1 })).toString();
}
