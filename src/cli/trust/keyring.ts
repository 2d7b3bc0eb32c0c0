import { resolve as absolute } from "node:path";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import { PHASES, type Phase } from "../../model/phase.ts";
import { keyNamed } from "../../runtime/trust/edit.ts";
import { openKeyFile, publicKeyOfFile } from "../../runtime/trust/key-files.ts";
import {
  addKey,
  applyRotation,
  forget,
  listTrust,
  readStatementFile,
  revokeKey,
  signRotationTo,
  writeStatementFile,
} from "../../runtime/trust/manage.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { user } from "../person.ts";
import { columns } from "../table.ts";
import { jsonLine, visible } from "../visible.ts";
import { readPassphrase } from "./passphrase.ts";

interface OfPlace {
  readonly machine?: true;
}

export async function list({ json, out }: Call<object>): Promise<ExitCode> {
  const found = listTrust(environment());
  if (json) {
    out.data(jsonLine(found));
    return EXIT.ok;
  }
  const rows = found.keys.map((row) => [
    row.id,
    row.state,
    row.place,
    row.owner,
    `${row.hooks.join(" ")}: ${row.powers.join(" ")} at ${row.phases.length === PHASES.length ? "all phases" : row.phases.join(" ")}`,
    row.revoked === null ? row.key : `revoked ${row.revoked.at}: ${row.revoked.reason}`,
  ]);
  const revoked = found.revoked.map(({ key, place, at, reason }) => [
    "-",
    "revoked",
    place,
    "",
    key,
    `revoked ${at}: ${reason}`,
  ]);
  if (rows.length + revoked.length === 0) out.talk("no keys: every hook is sandboxed; `hook trust add` adds one");
  else out.data(columns([...rows, ...revoked]));
  for (const [hook, version] of Object.entries(found.versions)) out.talk(visible(`${hook}: ${version} and newer`));
  return EXIT.ok;
}

type AddOptions = OfPlace & {
  readonly owner: string;
  readonly hooks: string;
  readonly phases: string;
  readonly powers: string;
  readonly from?: string;
  readonly until?: string;
};

export async function add({ args: [id = "", key = ""], options, json, out }: Call<AddOptions>): Promise<ExitCode> {
  const { owner, from, until, machine } = options;
  // The schema of the keyring says what is wrong with names that there are not.
  const scope = {
    hooks: listIn(options.hooks),
    phases: (options.phases === "all" ? PHASES : listIn(options.phases)) as readonly Phase[],
    powers: listIn(options.powers) as readonly ("gate" | "transform" | "observe" | "mint")[],
  };
  const { file } = await addKey({ id, key, owner, ...scope, from, until, place: placeOf({ machine }) }, environment());
  out.data(json ? jsonLine({ id, key, file }) : `${id} is trusted from ${from ?? "now"} on: ${file}`);
  return EXIT.ok;
}

export async function revoke(call: Call<OfPlace & { readonly reason: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const [name = ""] = args;
  const done = await revokeKey({ name, reason: options.reason, place: placeOf(options) }, environment());
  out.data(json ? jsonLine(done) : `${name} is revoked since ${done.at}: ${done.file}`);
  return EXIT.ok;
}

type RotateOptions = OfPlace & {
  readonly to?: string;
  readonly id?: string;
  readonly owner?: string;
  readonly key?: string;
  readonly statement?: string;
  readonly out?: string;
  readonly passphraseFd?: number;
};

export async function rotate({ args: [old = ""], options, json, out }: Call<RotateOptions>): Promise<ExitCode> {
  const env = environment();
  const statement =
    options.statement === undefined ? await signed(old, options) : readStatementFile(options.statement, env);
  if (options.out !== undefined) {
    writeStatementFile(options.out, statement, env);
    out.data(
      json
        ? jsonLine({ statement: options.out })
        : `signed: ${options.out}; apply it with \`hook trust rotate ${old} --statement ${options.out} --id ID\``,
    );
    return EXIT.ok;
  }
  if (options.id === undefined) throw missing("the name of the new key in the keyring: `--id ID`");
  const place = placeOf(options);
  const done = await applyRotation(
    { statement, old: keyNamed(old, env), id: options.id, owner: options.owner, place },
    env,
  );
  out.data(
    json
      ? jsonLine(done)
      : `${done.id} takes the place of ${old} since ${done.at}: ${done.file}; sign its hooks again with the new key`,
  );
  return EXIT.ok;
}

/** The statement, signed here. */
async function signed(old: string, { to, key, passphraseFd }: RotateOptions): Promise<string> {
  if (to === undefined || key === undefined) throw missing("`--to NEWKEY --key OLD.key`, or `--statement FILE`");
  const env = environment();
  const file = absolute(env.cwd, key);
  const next = to.startsWith("ed25519:") ? to : publicKeyOfFile(absolute(env.cwd, to));
  const passphrase = await readPassphrase(passphraseFd, { prompt: `passphrase of ${file}`, isNew: false });
  const opened = await openKeyFile(file, passphrase);
  if (opened.publicKey.text !== keyNamed(old, env)) {
    throw new InputError({ code: "other-key", message: `\`${file}\` is not the private key of \`${old}\`` });
  }
  return signRotationTo(next, opened, env);
}

type ForgetOptions = { readonly reason: string; readonly clock?: true };

export async function forgetSeen({ args: [hook], options, json, out }: Call<ForgetOptions>): Promise<ExitCode> {
  if ((hook === undefined) === (options.clock === undefined)) throw missing("either the name of a hook or `--clock`");
  const done = await forget({ hook: hook ?? null, reason: options.reason, by: user() }, environment());
  out.data(json ? jsonLine(done) : visible(`forgotten: ${hook ?? "the time"}, ${done.was}`));
  return EXIT.ok;
}

function placeOf({ machine }: { readonly machine?: true | undefined }): "machine" | "user" {
  return machine === true ? "machine" : "user";
}

function listIn(text: string): readonly string[] {
  return text.split(",").map((part) => part.trim());
}

function missing(what: string): InputError {
  return new InputError({ code: "usage", message: `expected ${what}`, hint: "see `hook trust --help`" });
}
