import { Box, Text, useInput, useWindowSize } from "ink";
import { createElement, type ReactNode, useState } from "react";
import type { ApprovalAnswer } from "../../model/entry.ts";

export interface QuestionProps {
  readonly title: string;
  /** Safe to print, one line each. */
  readonly lines: readonly string[];
  /** Whether the answer may cover the same action for the rest of the run. */
  readonly mayHold: boolean;
  readonly onAnswer: (answer: ApprovalAnswer | undefined) => void;
}

/** Rows that are not the action's: title, what is above and below, keys, and one to spare. */
const AROUND = 6;
const DENIED = { approve: false, reason: "denied at the terminal" } as const;

/** An action that a person is asked about. All of it can be read, long lines in pieces; the answer that takes no thought is no. */
export function Question({ title, lines, mayHold, onAnswer }: QuestionProps): ReactNode {
  const { columns, rows } = useWindowSize();
  const [top, setTop] = useState(0);
  const pieces = lines.flatMap((line) => piecesOf(line, Math.max(20, columns - 1)));
  const height = Math.max(3, rows - AROUND);
  const last = Math.max(0, pieces.length - height);
  const move = (to: number): void => setTop(Math.max(0, Math.min(last, to)));
  useInput((input, key) => {
    if (key.ctrl && input === "c") onAnswer(undefined);
    else if (key.downArrow || input === "j") move(top + 1);
    else if (key.upArrow || input === "k") move(top - 1);
    else if (key.pageDown || input === " ") move(top + height);
    else if (key.pageUp) move(top - height);
    else if (input === "y") onAnswer({ approve: true, scope: "once" });
    else if (input === "r" && mayHold) onAnswer({ approve: true, scope: "run" });
    else if (input === "n" || key.return) onAnswer(DENIED);
    else if (input === "l" || key.escape) onAnswer(undefined);
  });
  const shown = pieces.slice(Math.min(top, last), Math.min(top, last) + height);
  const below = pieces.slice(Math.min(top, last) + height);
  const rest = below.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return createElement(
    Box,
    { flexDirection: "column", marginTop: 1 },
    createElement(Text, { bold: true, color: "yellow" }, title),
    ...shown.map((piece, index) =>
      createElement(Text, { key: index, wrap: "truncate-end" }, piece === "" ? " " : piece),
    ),
    rest === 0
      ? null
      : createElement(Text, { color: "yellow" }, `… ${rest} more bytes in ${below.length} lines: space, ↓`),
    createElement(
      Text,
      { bold: true },
      `y approve once${mayHold ? " · r for the rest of the run" : ""} · n deny (Enter) · l leave it waiting`,
    ),
  );
}

/** A line in pieces that a terminal of this width shows whole. A character takes two columns at most. */
function piecesOf(line: string, columns: number): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    const wide = /^[\x20-\x7e]$/.test(segment) ? 1 : 2;
    if (width + wide > columns) {
      pieces.push(piece);
      piece = "";
      width = 0;
    }
    piece += segment;
    width += wide;
  }
  return [...pieces, piece];
}
