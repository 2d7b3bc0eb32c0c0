import type { Entry, Outcome } from "../model/entry.ts";
import { BugError, IntegrityError } from "../model/errors.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import { decodeBase64, sealedBody } from "./codec.ts";
import { SealedError } from "./divergence.ts";
import type { Recording } from "./recording.ts";
import { Seal } from "./seal.ts";

/** What is sealed in an input entry. */
export interface Content {
  readonly request: Json;
  readonly outcome: Outcome;
}

/** The sealed bodies of a recording, for who holds the run's key. */
export interface Bodies {
  /** Throws `IntegrityError` when a body does not open, was sealed for another place, or is not what its entry commits to. */
  open(entry: Entry): Content;
  /** What a check commits to with `hmac-sha256:…`, for a text that is known. */
  commitment(text: string): string;
}

/** Opens nothing yet. `key`: 32 bytes. */
export function bodiesOf(recording: Recording, key: Uint8Array): Bodies {
  const seal = new Seal(key, recording.header.run);
  return {
    open: (entry) => openBody(entry, recording, seal),
    commitment: (text) => seal.commitment(text),
  };
}

/** The body of an input. Throws `SealedError` without the run key, `IntegrityError` when it does not open. */
export function openBody(entry: Entry, recording: Pick<Recording, "blob">, seal: Seal | undefined): Content {
  if (seal === undefined) throw new SealedError(`the body of seq ${entry.seq} \`${entry.kind}\``);
  const body = sealedBody(entry.body);
  if (body === undefined)
    throw new BugError({ code: "not-sealed", message: `seq ${entry.seq} \`${entry.kind}\` has no sealed body` });
  const bytes = body.blob === undefined ? decodeBase64(body.sealed ?? "") : recording.blob(body.blob);
  const content: Json = JSON.parse(seal.open(entry, body.commit, bytes ?? new Uint8Array()));
  if (isContent(content)) return content;
  const message = `the body of seq ${entry.seq} \`${entry.kind}\` is sealed rightly but is no request with an outcome`;
  throw new IntegrityError({ code: "bad-content", message });
}

function isContent(json: Json): json is Json & Content {
  if (!isJsonObject(json) || json.request === undefined || !isJsonObject(json.outcome)) return false;
  const { kind, value, code, message } = json.outcome;
  if (kind === "ok") return value !== undefined;
  return kind === "unknown" || (kind === "error" && typeof code === "string" && typeof message === "string");
}
