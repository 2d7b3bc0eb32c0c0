/** How much too early a timer may be. */
const EARLY_MS = 1;

/** A wall-clock deadline that can be moved on from one wait to the next. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  /** Calls `passed` when more than `ms` have gone by. */
  start(ms: number, passed: () => void): void {
    this.stop();
    const turn = this.#turn;
    this.#timer = setTimeout(() => {
      // When our own process was busy, the answer may lie in the pipe already: it is read before the next turn.
      setImmediate(() => {
        if (turn === this.#turn) passed();
      });
    }, Math.max(0, ms) + EARLY_MS);
  }

  stop(): void {
    this.#turn += 1;
    clearTimeout(this.#timer);
  }
}
