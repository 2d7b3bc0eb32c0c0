import { readFileSync } from "node:fs";
import { resolve as absolute, dirname, relative } from "node:path";
import { isMap, isSeq, parseDocument } from "yaml";
import { replaceFile } from "../../authoring/replace.ts";
import { parseBlueprint } from "../../blueprint/load.ts";
import { InputError } from "../../model/errors.ts";
import type { HookPin } from "../../model/generated/blueprint.ts";

/** A pin on one line, as blueprints write it. */
export function pinText(pin: HookPin): string {
  return `{ ${Object.entries(pin)
    .flatMap(([field, value]) => (value === undefined ? [] : [`${field}: ${JSON.stringify(value)}`]))
    .join(", ")} }`;
}

/**
 * Puts a pin into a blueprint, in the place of the one that it has of this hook; everything else stays as it is written. Throws
 * `InputError` when the blueprint does not pin the hook or the file cannot be read, `InvalidFileError` for what is no blueprint.
 */
export async function replacePin(file: string, pin: HookPin): Promise<void> {
  const text = read(file);
  parseBlueprint(Buffer.from(text), file);
  const pins = parseDocument(text).getIn(["spec", "pins", "hooks"]);
  const old = isSeq(pins) ? pins.items.find((item) => isMap(item) && item.get("name") === pin.name) : undefined;
  const [from, to] = isMap(old) && old.range ? old.range : [];
  if (from === undefined || to === undefined) {
    const message = `the blueprint \`${file}\` does not pin a hook \`${pin.name}\``;
    throw new InputError({ code: "no-such-pin", message, hint: `add it to \`spec.pins.hooks\`: ${pinText(pin)}` });
  }
  const end = text.slice(from, to).endsWith("\n") ? "\n" : "";
  await replaceFile(file, `${text.slice(0, from)}${pinText(pin)}${end}${text.slice(to)}`);
}

/** Where a manifest is, for a blueprint. Throws `InputError` when it is not below the blueprint's folder, which a pin cannot leave. */
export function sourceFor(blueprint: string, manifest: string): string {
  const source = relative(dirname(absolute(blueprint)), manifest);
  if (!source.startsWith("..")) return source;
  throw new InputError({
    code: "outside-blueprint",
    message: `\`${manifest}\` is not below the folder of \`${blueprint}\`, and a pin cannot leave that`,
    hint: "copy the hook into the blueprint's folder, and sign it there",
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: "no-file", message: `the blueprint \`${file}\` cannot be read: ${why}`, cause });
  }
}
