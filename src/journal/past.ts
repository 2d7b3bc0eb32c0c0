import type { Entry } from "../model/entry.ts";
import { type Content, openBody } from "./bodies.ts";
import type { Recording } from "./recording.ts";
import type { Seal } from "./seal.ts";
import type { RecordedEntry } from "./walk.ts";

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
    return openBody(entry, this.#recording, this.#seal);
  }

  close(): void {
    this.#recording.close();
  }
}
