import type { Digest } from "../model/canonical.ts";
import type { Pin } from "../model/generated/blueprint.ts";
import type { JsonObject } from "../model/json.ts";
import { schemaFindings } from "./outside-schema.ts";
import type { Named, PinReader } from "./pins.ts";
import type { DocumentKind } from "./schema.ts";
import { loadDocument } from "./yaml.ts";

/** The kinds of pins that stand for themselves: documents that other rooms describe, prompts, skills. */

export interface Skill {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  /** The whole file, front matter included. */
  readonly text: string;
}

type NamedDocument = JsonObject & Named;

export async function readDocument(
  reader: PinReader,
  pin: Pin,
  { pointer, schema }: { readonly pointer: string; readonly schema: DocumentKind },
): Promise<JsonObject | undefined> {
  return (await reader.load<NamedDocument>(pin, pointer, schema))?.value;
}

export async function readScript(
  reader: PinReader,
  pin: Pin,
  pointer: string,
): Promise<[string, JsonObject] | undefined> {
  const script = await readDocument(reader, pin, { pointer, schema: "script" });
  return script && [pin.name, script];
}

interface Registry extends Named {
  readonly spec: { readonly tools: readonly { readonly inputSchema: JsonObject; readonly outputSchema: JsonObject }[] };
}

/** A tool registry; the schemas of its tools are bounded like those of hooks. */
export async function readRegistry(reader: PinReader, pin: Pin): Promise<JsonObject | undefined> {
  const registry = await reader.load<Registry & JsonObject>(pin, "/spec/pins/tools", "tools");
  if (registry === undefined) return undefined;
  for (const [index, { inputSchema, outputSchema }] of registry.value.spec.tools.entries()) {
    const at = `/spec/tools/${index}`;
    const findings = [
      ...schemaFindings(inputSchema, `${at}/inputSchema`),
      ...schemaFindings(outputSchema, `${at}/outputSchema`),
    ];
    reader.faults.push(...registry.faults(findings));
  }
  return registry.value;
}

export async function readPrompt(reader: PinReader, pin: Pin, pointer: string): Promise<[string, string] | undefined> {
  const read = await reader.text(pin, pointer);
  return read && [pin.name, read.text];
}

export async function readSkill(reader: PinReader, pin: Pin, pointer: string): Promise<Skill | undefined> {
  const read = await reader.text(pin, pointer);
  if (read === undefined) return undefined;
  const matter = reader.attempt(() => frontMatter(read.text, read.file));
  if (matter === undefined) return undefined;
  if (!reader.isNamed(pin, pointer, { name: matter.name, version: matter.metadata?.version ?? pin.version }))
    return undefined;
  return { name: pin.name, version: pin.version, digest: pin.digest, text: read.text };
}

interface FrontMatter {
  readonly name: string;
  readonly metadata?: { readonly version?: string };
}

/** What Pinion reads of a skill's front matter (agentskills.io); the rest is text for the model, like the body. */
const FRONT_MATTER: JsonObject = {
  type: "object",
  required: ["name", "description"],
  properties: {
    name: { type: "string", minLength: 1 },
    description: { type: "string", minLength: 1 },
    metadata: { type: "object", properties: { version: { type: "string", minLength: 1 } } },
  },
};

function frontMatter(text: string, file: string): FrontMatter {
  const matter = /^---\r?\n([\s\S]*?)^---[ \t]*\r?$/m.exec(text);
  // The line feed stands for the first `---`, so that faults have the lines of the file.
  const yaml = matter?.index === 0 ? `\n${matter[1]}` : "";
  return loadDocument<FrontMatter>(Buffer.from(yaml), { file, schema: FRONT_MATTER }).value;
}
