import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type Document, isSeq, parseDocument, type YAMLSeq } from "yaml";
import { replaceFile } from "../../authoring/replace.ts";
import { InvalidFileError } from "../../blueprint/fault.ts";
import { loadDocument } from "../../blueprint/yaml.ts";
import { BugError, InputError, WorldError } from "../../model/errors.ts";
import type { Keyring as KeyringFile } from "../../model/generated/keyring.ts";
import type { JsonObject } from "../../model/json.ts";
import { joinKeyrings, type Place } from "../../trust/keyring.ts";
import type { Environment } from "../machine.ts";
import { keyringFiles, readKeyringFile } from "./keyring.ts";
import { exclusively } from "./memory.ts";

const EMPTY = `# yaml-language-server: $schema=https://pinion.dev/schemas/keyring.v1.json
apiVersion: pinion.dev/v1
kind: Keyring
keys: []
revoked: []
`;

/**
 * Changes a keyring file: what `change` adds is on disk when this resolves. Two that change it at once wait for each other. Throws as
 * `readKeyring` does for what the file holds or would hold, `WorldError` when it cannot be written.
 */
export function changeKeyring<T>(place: Place, env: Environment, change: (edit: KeyringEdit) => T): Promise<T> {
  return exclusively(env, async () => {
    const edit = new KeyringEdit(place, env);
    const answer = change(edit);
    if (edit.changed) await edit.save();
    return answer;
  });
}

/** A keyring file that is about to be changed. */
class KeyringEdit {
  readonly file: string;
  readonly #place: Place;
  readonly #others: Parameters<typeof joinKeyrings>[0];
  readonly #document: Document;
  /** As it was. */
  readonly value: KeyringFile;
  changed = false;

  /** Throws as `readKeyring` does. A file that is not there is begun. */
  constructor(place: Place, env: Pick<Environment, "configDirs">) {
    const files = keyringFiles(env);
    const file = files.find((one) => one.place === place)?.file;
    if (file === undefined)
      throw new BugError({ code: "no-keyring-folder", message: `there is no folder for the ${place}` });
    this.file = file;
    this.#place = place;
    this.#others = files.flatMap(({ file: path, place: other }) => {
      const value = other === place ? undefined : readKeyringFile(path)?.value;
      return value === undefined ? [] : [{ file: path, place: other, value, adds: true }];
    });
    const text = readKeyringFile(file)?.text ?? EMPTY;
    this.#document = parseDocument(text);
    this.value = parse(text, file);
  }

  /** Throws `InputError` for a key that the file has already. */
  add(list: "keys" | "revoked", entry: JsonObject): void {
    if (list === "keys") this.#mustBeNew(entry);
    this.changed = true;
    const known: unknown = this.#document.get(list);
    const made = this.#document.createNode(entry);
    if (!isSeq(known)) this.#document.set(list, this.#document.createNode([entry]));
    else {
      if (known.items.length === 0) (known as YAMLSeq).flow = false;
      known.add(made);
    }
  }

  #mustBeNew({ id, key }: JsonObject): void {
    const known = this.value.keys.find((one) => one.id === id || one.key === key);
    if (known === undefined) return;
    throw new InputError({
      code: "key-known",
      message: `the keyring \`${this.file}\` has a key \`${known.id}\` already: \`${known.key}\``,
      hint: "choose another name, or edit the file",
    });
  }

  /**
   * Writes the file in one step, comments and all. What would not be read again is not written: throws `InputError` for what does not
   * fit the schema, else as `readKeyring` does.
   */
  async save(): Promise<void> {
    const text = this.#document.toString({ lineWidth: 0 });
    const value = this.#parsed(text);
    const own = { file: this.file, place: this.#place, value, adds: true };
    joinKeyrings(this.#place === "machine" ? [own, ...this.#others] : [...this.#others, own]);
    try {
      if (mkdirSync(dirname(this.file), { recursive: true, mode: 0o755 }) !== undefined)
        chmodSync(dirname(this.file), 0o755);
      await replaceFile(this.file, text);
      chmodSync(this.file, 0o644);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const hint = this.#place === "machine" ? "the machine's keyring is root's to change" : undefined;
      throw new WorldError({
        code: "keyring-not-written",
        message: `the keyring cannot be written: ${why}`,
        hint,
        cause,
      });
    }
  }

  /** The file was right before; what is wrong with it now was said to the command, and stands in no line of it. */
  #parsed(text: string): KeyringFile {
    try {
      return parse(text, this.file);
    } catch (error) {
      if (!(error instanceof InvalidFileError)) throw error;
      const message = error.faults.map((fault) => fault.message.replace(/^(?:keys|revoked)\[\d+\]\.?/, "")).join("\n");
      throw new InputError({ code: "usage", message, hint: "see `hook trust --help`; nothing was changed" });
    }
  }
}

function parse(text: string, file: string): KeyringFile {
  return loadDocument<KeyringFile>(Buffer.from(text), { file, schema: "keyring" }).value;
}

/** The public key that is meant by a key of the keyrings or by itself. Throws `InputError` for what names none. */
export function keyNamed(name: string, env: Pick<Environment, "configDirs">): string {
  if (/^ed25519:[0-9a-f]{64}$/.test(name)) return name;
  const found = new Set(
    keyringFiles(env).flatMap(({ file }) =>
      (readKeyringFile(file)?.value.keys ?? []).filter(({ id }) => id === name).map(({ key }) => key),
    ),
  );
  const [key, ...more] = found;
  if (key !== undefined && more.length === 0) return key;
  const message =
    key === undefined
      ? `no keyring has a key \`${name}\``
      : `machine and user have different keys by the name \`${name}\``;
  throw new InputError({
    code: "no-such-key",
    message,
    hint: "`hook trust list` names them; a public key may be given as it is",
  });
}
