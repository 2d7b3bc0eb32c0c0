import { userInfo } from "node:os";
import { resolve as absolute } from "node:path";
import { EXIT, type ExitCode } from "../../model/errors.ts";
import { generateKey, openSigner } from "../../runtime/trust/key-files.ts";
import { pinText, replacePin, sourceFor } from "../../runtime/trust/pin.ts";
import { type HookVerification, readSignable, signHookFile, verifyHookFile } from "../../runtime/trust/sign.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { painter } from "../output.ts";
import { columns } from "../table.ts";
import { jsonLine, visible } from "../visible.ts";
import { readPassphrase } from "./passphrase.ts";

interface WithPassphrase {
  readonly passphraseFd?: number;
}

/** `hook keygen`: a new key, sealed with a passphrase. */
export async function keygen(call: Call<WithPassphrase & { readonly dir?: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const [name = ""] = args;
  const env = environment();
  const folder = options.dir === undefined ? undefined : absolute(env.cwd, options.dir);
  const passphrase = await readPassphrase(options.passphraseFd, { prompt: `passphrase for ${name}`, isNew: true });
  const made = await generateKey({ name, folder, passphrase }, env);
  const add = `hook trust add ${name} ${made.key} --owner '${userInfo().username}' --hooks NAMES --phases PHASES --powers POWERS`;
  out.data(json ? jsonLine(made) : `${made.key}\nprivate key: ${made.file}\nto trust it: ${add}`);
  return EXIT.ok;
}

type SignOptions = WithPassphrase & { readonly key: string; readonly expires?: number; readonly pin?: string };

/** `hook sign`: writes `hook.sig`, and says how a blueprint pins it. */
export async function sign({ args: [manifest = "."], options, json, out }: Call<SignOptions>): Promise<ExitCode> {
  const env = environment();
  // What is wrong with the hook is said before anybody types a passphrase.
  const signable = await readSignable(manifest, env);
  const blueprint = options.pin === undefined ? undefined : absolute(env.cwd, options.pin);
  const source = blueprint === undefined ? undefined : sourceFor(blueprint, signable.manifest.path);
  const file = absolute(env.cwd, options.key);
  const passphrase = await readPassphrase(options.passphraseFd, { prompt: `passphrase of ${file}`, isNew: false });
  const signed = await signHookFile(signable, await openSigner(file, passphrase, env), options.expires, env);
  const { name, version, digest, signature } = signed;
  const pin = { name, version, digest, signature, source: source ?? signed.source };
  if (blueprint !== undefined) await replacePin(blueprint, pin);
  out.data(json ? jsonLine({ ...signed, ...pin }) : `- ${pinText(pin)}`);
  const where =
    blueprint === undefined ? "the line is its pin, its source relative to the blueprint" : `pinned in ${blueprint}`;
  out.talk(`signed by ${signed.key}: ${signed.file}; ${where}`);
  return EXIT.ok;
}

/** `hook verify`: whether this machine would run the hook as trusted. */
export async function verify({ args: [manifest = "."], json, out }: Call<object>): Promise<ExitCode> {
  const found = await verifyHookFile(manifest, environment());
  out.data(json ? jsonLine(found) : verificationText(found));
  return found.exit;
}

function verificationText(found: HookVerification): string {
  const paint = painter(process.stdout);
  const { signer } = found;
  const who = signer.id === null ? "a key that is in no keyring" : `${signer.id} (${signer.owner})`;
  const head = found.trusted ? paint("trusted", "good") : `${paint("not trusted", "bad")}: ${visible(found.why ?? "")}`;
  return `${head}\n${columns([
    ["hook", `${found.hook}@${found.version}`],
    ["signer", who],
    ["key", signer.key],
    ["phases", found.phases.join(", ")],
    ["powers", found.powers.join(", ")],
    ["signed", found.signedAt],
    ["expires", found.expires ?? "never"],
    ["manifest", found.digest],
    ["signature", found.signature],
  ])}`;
}
