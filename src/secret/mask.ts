import type { Json } from "../model/json.ts";
import { base64, type Decoder, entities, escapes, hexadecimal, percent, plus, wide } from "./decoding.ts";
import { type Look, legibleBytes, legiblePart } from "./legible.ts";
import { partsOf } from "./parts.ts";
import { type Hit, Patterns } from "./patterns.ts";

/** A value that must not be seen, under the name that stands in its place. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Shorter values would be found in ordinary text. In bytes. */
export const SHORTEST = 6;

/** Encodings that are looked through. Each is applied to what another one gives, `LEVELS` deep. */
const DECODERS: readonly Decoder[] = [percent, plus, escapes, entities, wide, hexadecimal, base64];
const LEVELS = 2;
/** How many bytes one byte of a secret becomes at most: `A` in JSON, in JSON again. */
const EXPANSION = 8;

/** Levels of arrays and objects that a value may have. */
const DEPTH = 100;

/**
 * Finds secrets in whatever comes back from the world and puts `[secret NAME]` in their place: as they are, and in base64 at
 * any alignment, hexadecimal, percent-encoding, JSON and HTML escapes, UTF-16, and one of these in another. Time is linear in
 * the text. What it cannot find is what a program encoded in a way of its own, compressed or encrypted.
 */
export class Mask {
  readonly #patterns: Patterns;
  readonly #legible: Uint8Array;
  /** Bytes around a part of a text that must be known to find a secret that reaches into it. */
  readonly reach: number;

  constructor(secrets: readonly Secret[]) {
    const patterns = secrets
      .flatMap(({ name, value }) => partsOf(value).map((part) => ({ name, bytes: Buffer.from(part) })))
      .filter(({ bytes }) => bytes.length >= SHORTEST);
    this.#patterns = new Patterns(patterns);
    this.#legible = legibleBytes(patterns.map(({ bytes }) => bytes));
    this.reach = this.#patterns.most * EXPANSION;
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
    if (this.#patterns.most === 0) return text;
    const bytes = Buffer.from(text);
    const masked = this.bytes(bytes);
    return masked.length === bytes.length && masked.equals(bytes) ? text : masked.toString();
  }

  /** Names of members count as well. Throws for what is nested too deeply, and where two names become one. */
  json<T extends Json>(value: T, depth?: number): T;
  json(value: Json, depth = DEPTH): Json {
    if (this.#patterns.most === 0) return value;
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
  #spans(source: Buffer): readonly Hit[] {
    // No encoding is shorter than what it encodes.
    if (this.#patterns.most === 0 || source.length < this.#patterns.least) return [];
    const found: Hit[] = [];
    this.#look({ bytes: source, place: (from, to) => ({ from, to }) }, LEVELS, found);
    found.sort((left, right) => left.from - right.from || right.to - left.to);
    const apart: Hit[] = [];
    for (const span of found) {
      const last = apart.at(-1);
      if (last === undefined || span.from >= last.to) apart.push(span);
      else if (span.to > last.to) apart[apart.length - 1] = { ...last, to: span.to };
    }
    return apart;
  }

  #look(look: Look, levels: number, found: Hit[]): void {
    for (const { from, to, name } of this.#patterns.in(look.bytes)) found.push({ ...look.place(from, to), name });
    if (levels === 0) return;
    const { least } = this.#patterns;
    const part = legiblePart(look, this.#legible, least);
    if (part.bytes.length === 0) return;
    for (const decode of DECODERS) {
      for (const decoded of decode(part.bytes, least)) {
        const place: Look["place"] = (from, to) => {
          const inner = decoded.place(from, to);
          return part.place(inner.from, inner.to);
        };
        this.#look({ bytes: decoded.bytes, place }, levels - 1, found);
      }
    }
  }
}
