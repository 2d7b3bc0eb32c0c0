/** A block's label, and how it can be left. */
export type BlockForm = "block" | "loop" | "if";

/**
 * The open blocks of a function while it is walked, innermost last, and the height of the operand stack. The first block is
 * the function's own body. Columns instead of objects, since there are very many short-lived ones.
 */
export class Control {
  readonly #height: number[] = [];
  readonly #form: BlockForm[] = [];
  readonly #params: number[] = [];
  readonly #results: number[] = [];
  readonly #targeted: boolean[] = [];
  readonly #dead: boolean[] = [];
  readonly #checked: number[] = [];
  /** How many blocks are open. */
  depth = 0;
  /** Operands on the stack, and the most that there ever were. */
  operands = 0;
  highest = 0;
  /** Whether the code here is unreachable. */
  dead = false;

  /** A function begins. */
  reset(results: number): void {
    this.depth = 0;
    this.operands = 0;
    this.highest = 0;
    this.dead = false;
    this.open("block", 0, results, 0);
  }

  /** Whether the function branches to its own end. */
  get returns(): boolean {
    return this.#targeted[0] === true;
  }

  move(effect: number): void {
    this.operands += effect;
    if (this.operands > this.highest) this.highest = this.operands;
  }

  /** `checked` says how far the fuel had been checked before the block. */
  open(form: BlockForm, params: number, results: number, checked: number): void {
    const at = this.depth;
    this.#height[at] = this.operands - params;
    this.#form[at] = form;
    this.#params[at] = params;
    this.#results[at] = results;
    this.#targeted[at] = false;
    this.#dead[at] = this.dead;
    this.#checked[at] = checked;
    this.depth = at + 1;
  }

  target(label: number): void {
    this.#targeted[this.depth - 1 - label] = true;
  }

  targetFunction(): void {
    this.#targeted[0] = true;
  }

  /** What follows is unreachable. */
  die(): void {
    this.dead = true;
    this.operands = this.#height[this.depth - 1] ?? 0;
  }

  /** Whether paths meet at the end of the innermost block. */
  get joins(): boolean {
    const top = this.depth - 1;
    return this.#form[top] === "if" || (this.#form[top] === "block" && this.#targeted[top] === true);
  }

  /** The other branch of an `if` begins. Returns how far the fuel had been checked before the block. */
  otherwise(): number {
    const top = this.depth - 1;
    this.dead = this.#dead[top] ?? false;
    this.operands = (this.#height[top] ?? 0) + (this.#params[top] ?? 0);
    return this.#checked[top] ?? 0;
  }

  /** Ends the innermost block. Where paths meet, the answer is how far the fuel had been checked before it. */
  close(): number | undefined {
    const { joins } = this;
    const top = this.depth - 1;
    this.depth = top;
    if (joins) this.dead = this.#dead[top] ?? false;
    this.operands = this.#height[top] ?? 0;
    this.move(this.#results[top] ?? 0);
    return joins ? this.#checked[top] : undefined;
  }
}
