import type { Checkpoint } from "../journal/checkpoint.ts";
import { contradiction } from "../journal/kept.ts";
import type { Digest } from "../model/canonical.ts";
import type { JsonObject } from "../model/json.ts";
import { isSigned, toCheckpoint } from "../trust/checkpoint.ts";
import type { PublicKey } from "../trust/ed25519.ts";

/** A checkpoint that holds. */
export interface Anchor {
  /** Entries that it covers. */
  readonly count: number;
  /** `ed25519:…`: who signed. */
  readonly key: string;
  /** The file that it stands in. */
  readonly file: string;
}

/** A checkpoint, and where it was found. */
export interface Found {
  readonly checkpoint: Checkpoint;
  /** The envelope. */
  readonly json: JsonObject;
  readonly file: string;
  /** For people. */
  readonly where: string;
  /** By the caller, who is told when it cannot be believed. */
  readonly given: boolean;
}

interface Against {
  readonly count: number;
  /** Of all counts that the checkpoints name and the journal has. */
  readonly heads: ReadonlyMap<number, Digest>;
  /** Who may have signed. */
  readonly keys: readonly PublicKey[];
}

/** How far checkpoints vouch for a journal, and what of them speaks against it. Of equal ones, the one that was given counts. */
export function anchored(
  all: readonly Found[],
  against: Against,
): { readonly anchor: Anchor | null; readonly findings: readonly string[]; readonly notes: readonly string[] } {
  let anchor: Anchor | null = null;
  const findings: string[] = [];
  const unknown = new Set<string>();
  for (const found of all) {
    const { checkpoint, where, file, given } = found;
    const why = contradiction(checkpoint, against);
    const { key, keyid } = signerOf(found, against.keys);
    if (why !== undefined) findings.push(`${where}: ${why}`);
    else if (key === "unknown" && given)
      findings.push(`${where}: the key \`${keyid}\` is not known; give it with --key`);
    else if (key === "unknown") unknown.add(keyid);
    else if (key === "forged") findings.push(`${where}: the signature is not that of \`${keyid}\``);
    else if (checkpoint.count >= (anchor?.count ?? 0)) anchor = { count: checkpoint.count, key: keyid, file };
  }
  return {
    anchor,
    findings,
    notes: [...unknown].map((keyid) => `checkpoints of an unknown key \`${keyid}\` were not counted`),
  };
}

/** Only the key that a signature names is tried. */
function signerOf(
  { json }: Found,
  keys: readonly PublicKey[],
): { readonly key: "known" | "unknown" | "forged"; readonly keyid: string } {
  const signed = toCheckpoint(json);
  if (signed === undefined) return { key: "forged", keyid: "" };
  const known = keys.filter(({ text }) => signed.keyids.includes(text));
  const signer = known.find((key) => isSigned(key, signed));
  if (signer !== undefined) return { key: "known", keyid: signer.text };
  return { key: known.length > 0 ? "forged" : "unknown", keyid: known[0]?.text ?? signed.keyids[0] ?? "" };
}
