import { IntegrityError } from "../model/errors.ts";

/** Where a line stands in a file of lines. `line` counts from 1, `offset` in bytes from 0. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  /** The seq that an entry at this place would have; absent in the header. */
  readonly seq?: number;
}

const SHOWN = 120;

/** A line is not what was written. Never skipped: what stands behind it cannot be trusted either. */
export class DamagedError extends IntegrityError {
  readonly place: Place;
  readonly expected: string;
  readonly found: string;
  constructor(place: Place, expected: string, found: string) {
    const seq = place.seq === undefined ? "" : `, seq ${place.seq}`;
    super({
      code: "damaged",
      message: `\`${place.file}\` is damaged at line ${place.line}, byte ${place.offset}${seq}: expected ${expected}, found ${found}`,
      hint: "take another copy; a damaged journal is neither replayed nor resumed",
    });
    this.place = place;
    this.expected = expected;
    this.found = found;
  }
}

/** A value from a file, short enough for a message, in backticks. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  return `\`${text.length > SHOWN ? `${text.slice(0, SHOWN)}…`.toWellFormed() : text}\``;
}
