import { hash } from "node:crypto";
import { constants, readFileSync, renameSync, unlinkSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { canonicalJson } from "../../model/canonical.ts";
import { IntegrityError } from "../../model/errors.ts";
import { isJsonObject, type Json } from "../../model/json.ts";
import { type Descriptor, look } from "../walk.ts";
import { sync } from "./layer.ts";

/** Writes a small file of the layer's folder, as a whole and durably; or it is as it was. */
export async function writeNote(folder: Descriptor, name: string, is: Json): Promise<void> {
  const partial = `${name}.partial`;
  try {
    const file = await open(folder.at(partial), constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      await file.writeFile(canonicalJson({ is, sum: sumOf(is) }));
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(folder.at(partial), folder.at(name));
  } catch (error) {
    await rm(folder.at(partial), { force: true });
    throw error;
  }
  await sync(folder.fd);
}

/** What was written; undefined when there is none. Throws `IntegrityError` when it is not as it was written. */
export function readNote(folder: Descriptor, name: string): Json | undefined {
  if (look(folder, name) === undefined) return undefined;
  const json = parse(readFileSync(folder.at(name), "utf8"));
  if (isJsonObject(json) && json.is !== undefined && sumOf(json.is) === json.sum) return json.is;
  throw damagedNote(name);
}

export async function removeNote(folder: Descriptor, name: string): Promise<void> {
  unlinkSync(folder.at(name));
  await sync(folder.fd);
}

export function damagedNote(name: string): IntegrityError {
  return new IntegrityError({
    code: "layer-damaged",
    message: `\`${name}\` in the layer of the run is damaged: expected it as it was written, with its checksum`,
    hint: "what the run changed cannot be told; the files themselves are in the folders `upper` and `staging` beside it",
  });
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller reports it
  }
}

function sumOf(json: Json): string {
  return hash("sha256", canonicalJson(json), "hex");
}
