/** What every piece of a line but its first starts with. No line that asks a person starts so, and none can be made to look as if it did. */
const GOES_ON = "↪ ";
/** Columns below which pieces would hold nothing. */
const LEAST = 8;

/** Lines in pieces that the terminal shows whole, where there is one: it would break them itself, and what follows looked like a line. */
export function wrapped(
  lines: readonly string[],
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number },
): readonly string[] {
  return isTTY === true && columns !== undefined && columns > 0
    ? lines.flatMap((line) => piecesOf(line, columns - 1))
    : lines;
}

/**
 * A line in pieces that a terminal of this width shows whole. INVARIANT: no piece is wider than that, whatever is in it: each code point
 * counts two columns at least, since what is one character to Unicode (a row of Hangul letters) may be any number of columns wide.
 */
export function piecesOf(line: string, columns: number): readonly string[] {
  const room = Math.max(LEAST, columns);
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const part of partsOf(line, room - widthOf(GOES_ON))) {
    const wide = widthOf(part);
    if (width + wide > room) {
      pieces.push(piece);
      piece = GOES_ON;
      width = widthOf(GOES_ON);
    }
    piece += part;
    width += wide;
  }
  return [...pieces, piece];
}

/** What is broken up only where it would not fit otherwise: characters as people see them. */
function partsOf(line: string, room: number): readonly string[] {
  return [...new Intl.Segmenter().segment(line)].flatMap(({ segment }) =>
    widthOf(segment) <= room ? [segment] : [...segment],
  );
}

/** Columns at most. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += char >= " " && char <= "~" ? 1 : 2;
  return width;
}
