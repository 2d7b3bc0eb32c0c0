import type { Json } from "../model/json.ts";
import { base64, type Decoded, type Decoder, entities, escapes, hexadecimal, percent, plus, wide } from "./decoding.ts";

/** A value that must not be seen, under the name that stands in its place. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Shorter values would be found in ordinary text. In bytes. */
export const SHORTEST = 6;
/** A line of a longer value, such as a key in PEM form, counts by itself from this length on. */
const SHORTEST_LINE = 16;

/** Encodings that are looked through. Each is applied to what another one gives, `LEVELS` deep. */
const DECODERS: readonly Decoder[] = [
  percent,
  plus,
  escapes,
  entities,
  wide,
  hexadecimal(0),
  hexadecimal(1),
  base64(0),
  base64(1),
  base64(2),
  base64(3),
];
const LEVELS = 2;
/** How many bytes one byte of a secret becomes at most: `A` in JSON, in JSON again. */
const EXPANSION = 8;

/** Levels of arrays and objects that a value may have. */
const DEPTH = 100;

interface Span {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/**
 * Finds secrets in whatever comes back from the world and puts `[secret NAME]` in their place: as they are, and in base64 at
 * any alignment, hexadecimal, percent-encoding, JSON and HTML escapes, UTF-16, and one of these in another. Time is linear in
 * the text. What it cannot find is what a program encoded in a way of its own, compressed or encrypted.
 */
export class Mask {
  readonly #patterns: readonly { readonly name: string; readonly bytes: Buffer }[];
  /** Bytes around a part of a text that must be known to find a secret that reaches into it. */
  readonly reach: number;
  readonly #least: number;

  constructor(secrets: readonly Secret[]) {
    this.#patterns = secrets
      .flatMap(({ name, value }) => partsOf(value).map((part) => ({ name, bytes: Buffer.from(part) })))
      .filter(({ bytes }) => bytes.length >= SHORTEST)
      .sort((left, right) => right.bytes.length - left.bytes.length);
    this.#least = this.#patterns.at(-1)?.bytes.length ?? 0;
    this.reach = (this.#patterns[0]?.bytes.length ?? 0) * EXPANSION;
  }

  /** The bytes of the window, the whole unless given, without any part of a secret that lies in it or reaches into it. */
  bytes(
    source: Uint8Array,
    { from = 0, to = source.length }: { readonly from?: number; readonly to?: number } = {},
  ): Buffer {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    const kept: Buffer[] = [];
    let at = from;
    for (const span of this.#spans(bytes)) {
      if (span.to <= at || span.from >= to) continue;
      kept.push(bytes.subarray(at, Math.max(at, span.from)), Buffer.from(`[secret ${span.name}]`));
      at = Math.min(span.to, to);
    }
    return kept.length === 0 ? bytes.subarray(from, to) : Buffer.concat([...kept, bytes.subarray(at, to)]);
  }

  text(text: string): string {
    if (this.#patterns.length === 0) return text;
    const bytes = Buffer.from(text);
    const masked = this.bytes(bytes);
    return masked.length === bytes.length && masked.equals(bytes) ? text : masked.toString();
  }

  /** Names of members count as well. Throws for what is nested too deeply, and where two names become one. */
  json<T extends Json>(value: T, depth?: number): T;
  json(value: Json, depth = DEPTH): Json {
    if (this.#patterns.length === 0) return value;
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth === 0) throw new Error("the value is nested too deeply to be searched for secrets");
    if (Array.isArray(value)) return value.map((inner: Json) => this.json(inner, depth - 1));
    const members = Object.entries(value).map(
      ([name, inner]) => [this.text(name), this.json(inner, depth - 1)] as const,
    );
    if (new Set(members.map(([name]) => name)).size < members.length) throw new Error("two members have one name");
    return Object.fromEntries(members);
  }

  /** In order, and apart from each other. */
  #spans(source: Buffer): readonly Span[] {
    if (this.#patterns.length === 0 || source.length < SHORTEST) return [];
    const found: Span[] = [];
    this.#look({ bytes: source, place: (from, to) => ({ from, to }) }, LEVELS, found);
    found.sort((left, right) => left.from - right.from || right.to - left.to);
    const apart: Span[] = [];
    for (const span of found) {
      const last = apart.at(-1);
      if (last === undefined || span.from >= last.to) apart.push(span);
      else if (span.to > last.to) apart[apart.length - 1] = { ...last, to: span.to };
    }
    return apart;
  }

  #look({ bytes, place }: Look, levels: number, found: Span[]): void {
    for (const pattern of this.#patterns) {
      for (let at = bytes.indexOf(pattern.bytes); at !== -1; at = bytes.indexOf(pattern.bytes, at)) {
        const end = at + pattern.bytes.length;
        found.push({ ...place(at, end), name: pattern.name });
        at = end;
      }
    }
    if (levels === 0) return;
    for (const decode of DECODERS) {
      const decoded = decode(bytes, this.#least);
      if (decoded !== undefined) this.#look({ bytes: decoded.bytes, place: within(decoded, place) }, levels - 1, found);
    }
  }
}

interface Look {
  readonly bytes: Buffer;
  /** Where in the source something is. */
  place(from: number, to: number): { readonly from: number; readonly to: number };
}

function within({ from, to }: Decoded, outer: Look["place"]): Look["place"] {
  return (first, end) => outer(from[first] ?? 0, to[end - 1] ?? 0);
}

/** The value without space around it, which shells and headers drop, and its longer lines, except for the frame of a PEM file (RFC 7468). */
function partsOf(value: string): readonly string[] {
  const whole = value.trim();
  const lines = whole.split(/\r?\n/);
  if (lines.length === 1) return [whole];
  return [
    whole,
    ...lines
      .map((line) => line.trim())
      .filter((line) => Buffer.byteLength(line) >= SHORTEST_LINE && !line.startsWith("-----")),
  ];
}
