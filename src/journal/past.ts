import type { Entry, Outcome } from "../model/entry.ts";
import { BugError, IntegrityError } from "../model/errors.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import { decodeBase64, sealedBody } from "./codec.ts";
import { SealedError } from "./divergence.ts";
import type { Recording } from "./recording.ts";
import type { Seal } from "./seal.ts";
import type { RecordedEntry } from "./walk.ts";

/** What is sealed in an input entry. */
export interface Content {
  readonly request: Json;
  readonly outcome: Outcome;
}

/** What was recorded, one entry at a time, with a look at the next. */
export class Past {
  readonly #recording: Recording;
  readonly #entries: Iterator<RecordedEntry, void>;
  readonly #seal: Seal | undefined;
  #next: RecordedEntry | undefined;

  constructor(recording: Recording, seal: Seal | undefined) {
    this.#recording = recording;
    this.#entries = recording.entries();
    this.#seal = seal;
    this.take();
  }

  /** The next entry, undefined behind the last. */
  get next(): RecordedEntry | undefined {
    return this.#next;
  }

  /** Goes on to the entry behind. */
  take(): void {
    this.#next = this.#entries.next().value ?? undefined;
  }

  /** The body of an input. Throws `SealedError` without the run key, `IntegrityError` when it does not open. */
  open(entry: Entry): Content {
    if (this.#seal === undefined) throw new SealedError(`the body of seq ${entry.seq} \`${entry.kind}\``);
    const body = sealedBody(entry.body);
    if (body === undefined)
      throw new BugError({ code: "not-sealed", message: `seq ${entry.seq} \`${entry.kind}\` has no sealed body` });
    const bytes = body.blob === undefined ? decodeBase64(body.sealed ?? "") : this.#recording.blob(body.blob);
    const content: Json = JSON.parse(this.#seal.open(entry, body.commit, bytes ?? new Uint8Array()));
    if (isContent(content)) return content;
    const message = `the body of seq ${entry.seq} \`${entry.kind}\` is sealed rightly but is no request with an outcome`;
    throw new IntegrityError({ code: "bad-content", message });
  }

  close(): void {
    this.#recording.close();
  }
}

function isContent(json: Json): json is Json & Content {
  if (!isJsonObject(json) || json.request === undefined || !isJsonObject(json.outcome)) return false;
  const { kind, value, code, message } = json.outcome;
  if (kind === "ok") return value !== undefined;
  return kind === "unknown" || (kind === "error" && typeof code === "string" && typeof message === "string");
}
