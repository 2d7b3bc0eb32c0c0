import type { Entry } from "../../model/entry.ts";
import { advance, NOTHING_YET, type Progress } from "../progress.ts";
import type { TimelineLine } from "../timeline/line.ts";
import { timelineOf } from "../timeline.ts";
import { visibleLine } from "../visible.ts";

export interface Frame {
  readonly lines: readonly TimelineLine[];
  readonly progress: Progress;
  readonly over: boolean;
}

/** What the view shows: grows with every entry, and tells the view that it did. */
export class Feed {
  #frame: Frame = { lines: [], progress: NOTHING_YET, over: false };
  readonly #listeners = new Set<() => void>();

  readonly frame = (): Frame => this.#frame;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  entry(entry: Entry): void {
    const lines = timelineOf(entry).filter((line) => !line.minor);
    const { frame } = this;
    this.#show({
      ...frame(),
      lines: lines.length === 0 ? frame().lines : [...frame().lines, ...lines],
      progress: advance(frame().progress, entry),
    });
  }

  notice(text: string): void {
    const line: TimelineLine = { seq: -1, mark: "!", tone: "warn", text: visibleLine(text), minor: false };
    this.#show({ ...this.#frame, lines: [...this.#frame.lines, line] });
  }

  end(): void {
    this.#show({ ...this.#frame, over: true });
  }

  #show(frame: Frame): void {
    this.#frame = frame;
    for (const listener of this.#listeners) listener();
  }
}
