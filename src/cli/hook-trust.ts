import { type Command, InvalidArgumentError } from "commander";
import { action, type Session } from "./command.ts";

const MANIFEST = "a manifest, or the folder of its `hook.yaml`";

/** Commands about signatures and about whose count: `keygen`, `sign`, `verify`, `trust`. */
export function addTrustCommands(session: Session, program: Command): void {
  action(
    session,
    withPassphrase(program.command("keygen").description("make a key to sign hooks with, sealed with a passphrase"))
      .argument("<name>", "what the file is called: lower-case letters, digits and hyphens")
      .option("--dir <folder>", "where to keep it; `pinion/keys` of your configuration unless given")
      .addHelpText("after", KEYGEN),
    async () => (await import("./trust/keys.ts")).keygen,
  );
  action(
    session,
    withPassphrase(program.command("sign").description("sign a hook: its manifest and its component"))
      .argument("[manifest]", MANIFEST, ".")
      .requiredOption("--key <file>", "the private key")
      .option("--expires <time>", "how long it holds, in days (90d) or hours (12h); for ever unless given", duration)
      .option("--pin <blueprint>", "put the pin into this blueprint, in the place of the one that it has of the hook")
      .addHelpText("after", SIGN),
    async () => (await import("./trust/keys.ts")).sign,
  );
  action(
    session,
    program
      .command("verify")
      .description("say whose signature a hook bears, and whether it is trusted here")
      .argument("[manifest]", MANIFEST, ".")
      .addHelpText("after", VERIFY),
    async () => (await import("./trust/keys.ts")).verify,
  );
  addKeyringCommands(
    session,
    program.command("trust").description("the keyring: whose signatures count, and for what"),
  );
}

function addKeyringCommands(session: Session, trust: Command): void {
  action(
    session,
    trust
      .command("list")
      .description("list the keys of machine and user, and the versions of signed hooks that were seen")
      .addHelpText("after", LIST),
    async () => (await import("./trust/keyring.ts")).list,
  );
  action(
    session,
    ofMachine(trust.command("add").description("trust a key"))
      .argument("<id>", "what to call it: lower-case letters, digits and hyphens")
      .argument("<key>", "the public key, ed25519:…")
      .requiredOption("--owner <text>", "who has the private key")
      .requiredOption("--hooks <names>", "hooks that it may sign, with commas; `prefix-*`, `*` for all")
      .requiredOption("--phases <phases>", "phases of these hooks, with commas, or `all`")
      .requiredOption("--powers <powers>", "what these hooks can do: gate, transform, observe, mint")
      .option("--from <time>", "valid from then on, e.g. 2026-01-01")
      .option("--until <time>", "valid up to then")
      .addHelpText("after", "\nWith --json: { id, key, file }"),
    async () => (await import("./trust/keyring.ts")).add,
  );
  action(
    session,
    ofMachine(trust.command("revoke").description("let nothing count that a key has signed; runs that use it stop"))
      .argument("<key>", "its name in the keyring, or the public key")
      .requiredOption("--reason <text>", "why")
      .addHelpText("after", "\nWith --json: { file, key, at }"),
    async () => (await import("./trust/keyring.ts")).revoke,
  );
  action(
    session,
    withPassphrase(
      ofMachine(trust.command("rotate").description("let a new key take the place of an old one, signed by the old")),
    )
      .argument("<old>", "the old key's name in the keyring, or the public key")
      .option("--to <key>", "the new public key, or the file of the new private key")
      .option("--key <file>", "the old private key, which signs")
      .option("--statement <file>", "a statement that was signed elsewhere, instead of --to and --key")
      .option("--out <file>", "only sign: write the statement to this new file")
      .option("--id <id>", "what to call the new key")
      .option("--owner <text>", "who has the new private key; the owner of the old one unless given")
      .addHelpText("after", "\nWith --json: { file, id, from, to, at }; with --out: { statement }"),
    async () => (await import("./trust/keyring.ts")).rotate,
  );
  action(
    session,
    trust
      .command("forget")
      .description("go back to an older version of a signed hook deliberately, or to a clock that was set back")
      .argument("[hook]", "name of the hook")
      .option("--clock", "forget the latest time that was seen")
      .requiredOption("--reason <text>", "why; it is kept")
      .addHelpText("after", "\nWith --json: { hook, was }"),
    async () => (await import("./trust/keyring.ts")).forgetSeen,
  );
}

const KEYGEN = `
Mode 600, scrypt and AES-256-GCM; a file that is there is never overwritten.
With --json: { name, file, key }`;

const SIGN = `
Writes hook.sig beside the manifest, and prints the pin. Exit code 5 when the component is not the manifest's or when others
may read the key, 2 when the passphrase does not open it.
With --json: { name, version, digest, signature, source, file, key, signedAt, expires }`;

const VERIFY = `
Exit code 0 when a blueprint that pins the signature would run the hook as trusted here, 5 when not, also when there is no
signature.
With --json: { hook, version, digest, signature, trusted, code, why, signer: { key, id, owner }, phases, powers,
signedAt, expires, exit }`;

const LIST = `
With --json: { keys: [{ id, key, owner, place, state, from, until, hooks, phases, powers, revoked }],
revoked: [{ key, at, reason, place }], versions: { hook: version } }`;

export function withPassphrase(command: Command): Command {
  return command.option(
    "--passphrase-fd <number>",
    "read the passphrase from this file descriptor, not the terminal",
    descriptor,
  );
}

function ofMachine(command: Command): Command {
  return command.option("--machine", "in the machine's keyring, /etc/pinion/keyring.yaml; the user's unless given");
}

/** The number of a file descriptor. */
export function descriptor(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected the number of a file descriptor");
}

/** In ms. */
export function duration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("expected days or hours, such as 90d or 12h");
  return Number(count) * (unit === "d" ? 86_400_000 : 3_600_000);
}
