import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { type Fault, type Finding, InvalidFileError, MAX_FAULTS } from "./fault.ts";
import { type DocumentKind, validatorOf } from "./schema.ts";
import { parseSyntax, type Syntax } from "./syntax.ts";
import { decode, type PlacedMessage } from "./text.ts";
import { type Spot, toValues } from "./values.ts";

/** A file that was read, bounded and validated. */
export interface LoadedDocument<T> {
  /** With the defaults of the schema filled in. Deeply frozen. */
  readonly value: T;
  /** As it was written: what is digested. */
  readonly raw: JsonObject;
  /** How a plain scalar was written. */
  sourceOf(pointer: string): string | undefined;
  /** Turns findings about the document into faults with their places in the file. */
  faults(findings: readonly Finding[]): Fault[];
}

export interface LoadOptions {
  /** How the file is called in faults. */
  readonly file: string;
  /** A kind of document, or another JSON Schema 2020-12 of Pinion's own; `T` is the type that it describes. */
  readonly schema: DocumentKind | JsonObject;
}

/**
 * Reads one YAML 1.2 document (core schema) that a person wrote, within bounds: 1 MiB, 64 levels, 100 aliases,
 * 50,000 values. Refused besides what is not YAML: tags, merge keys, directives, further documents, names that are given
 * twice (also after NFC normalisation), are not text, cannot be seen or belong to a prototype; numbers that JSON does not
 * have or that would be rounded; characters that hide something. Throws `InvalidFileError` with every fault at once.
 */
export function loadDocument<T>(bytes: Uint8Array, { file, schema }: LoadOptions): LoadedDocument<T> {
  const decoded = decode(bytes);
  if (!decoded.ok) throw new InvalidFileError(wholeFile(file, decoded.faults));
  const syntax = parseSyntax(decoded.text);
  const broken = [...decoded.faults, ...syntax.faults];
  const { value: raw, spots, findings } = toValues(syntax.contents);
  const place = (finding: Finding): Fault => faultOf(finding, { file, syntax, spots });
  // After a fault of syntax the values are guesses, and a schema would complain about the guesses.
  const value = structuredClone(raw);
  const invalid = broken.length > 0 ? [] : schemaFindings(value, schema, spots);
  const unusable = new Set(findings.filter(({ offset }) => offset === undefined).map(({ pointer }) => pointer));
  const found = [...findings, ...invalid.filter(({ pointer }) => !unusable.has(pointer))];
  const faults = [...wholeFile(file, broken), ...found.map(place)];
  if (faults.length > 0) throw new InvalidFileError(inOrder(faults));
  if (!isJsonObject(raw)) throw new InvalidFileError([place({ pointer: "", message: "expected a mapping" })]);
  return {
    value: frozen(value) as T,
    raw: frozen(raw),
    sourceOf: (pointer) => spots.get(pointer)?.source,
    faults: (later) => inOrder(later.map(place)),
  };
}

function schemaFindings(value: Json, schema: LoadOptions["schema"], spots: ReadonlyMap<string, Spot>): Finding[] {
  return validatorOf(schema)(value, { sourceOf: (pointer) => spots.get(pointer)?.source, base: "" });
}

function wholeFile(file: string, messages: readonly PlacedMessage[]): Fault[] {
  return messages.map((message) => ({ file, pointer: "", ...message }));
}

interface Where {
  readonly file: string;
  readonly syntax: Syntax;
  readonly spots: ReadonlyMap<string, Spot>;
}

function faultOf({ pointer, message, expected, offset, atKey }: Finding, { file, syntax, spots }: Where): Fault {
  const at = offset ?? (atKey === true ? spots.get(pointer)?.key : undefined) ?? spotOf(pointer, spots);
  return { file, ...syntax.place(at), pointer, message, ...(expected === undefined ? {} : { expected }) };
}

/** The value itself; for what is not there (a default, a missing field) the nearest thing around it. */
function spotOf(pointer: string, spots: ReadonlyMap<string, Spot>): number {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const spot = spots.get(at);
    if (spot !== undefined) return at === pointer ? spot.value : (spot.key ?? spot.value);
    if (at === "") return 0;
  }
}

function inOrder(faults: readonly Fault[]): Fault[] {
  const sorted = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const more = sorted.length - MAX_FAULTS;
  const last = sorted[MAX_FAULTS];
  if (last === undefined) return sorted;
  return [...sorted.slice(0, MAX_FAULTS), { ...last, message: `and ${more} more faults from here on` }];
}

function frozen<T extends Json>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
