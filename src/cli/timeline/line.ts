import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";

export type Tone = "plain" | "strong" | "dim" | "good" | "bad" | "warn" | "accent";

/** One line of what a run did, for people. Everything hidden in `text` has been made visible. */
export interface TimelineLine {
  /** Of the entry that it tells about. */
  readonly seq: number;
  readonly mark: string;
  readonly text: string;
  readonly tone: Tone;
  /** Only shown to those who ask for everything. */
  readonly minor: boolean;
}

export type Liner = (mark: string, tone: Tone, text: string, minor?: boolean) => TimelineLine;

export function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** A scalar as text; anything else as JSON. */
export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "?" : JSON.stringify(value);
}

export function layerName(layer: Json): string {
  return text(objectOf(layer).name);
}

/** Enough of a digest to tell it from others by eye. */
export function shortDigest(digest: Json | undefined): string {
  return text(digest).slice(0, "sha256:".length + 12);
}

/** `name=value` of every member, long values shortened. */
export function fields(value: Json | undefined): string {
  return Object.entries(objectOf(value))
    .map(([name, member]) => `${name}=${outline(member)}`)
    .join(" ");
}

const WIDTH = 80;

function outline(value: Json): string {
  const whole = JSON.stringify(value);
  if (whole.length <= WIDTH || typeof value !== "object" || value === null) return short(whole, WIDTH);
  return Array.isArray(value) ? `[${value.length} items]` : `{${Object.keys(value).join(", ")}}`;
}

export function short(value: string, width: number): string {
  return value.length <= width ? value : `${value.slice(0, width - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
