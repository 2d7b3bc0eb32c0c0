import { isJsonObject, type Made, type RecordedEntry } from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { boundaryOf, same } from "./read.ts";

/** Makes every decision of the effective permission again, from the layers that the header and its pins name. */
export class PermissionCheck implements EntryCheck {
  readonly #found = new Findings("permission");
  readonly #made: Made | undefined;
  readonly #why: string;
  #calls = 0;

  constructor(made: Made | undefined, why: string) {
    this.#made = made;
    this.#why = why;
  }

  see(recorded: RecordedEntry): void {
    if (recorded.entry.kind !== "check.boundary" || recorded.entry.body.phase !== "pre-tool") return;
    const boundary = boundaryOf(recorded);
    const call = boundary?.payload?.call;
    // What was blocked does not stand in clear.
    if (boundary === undefined || boundary.decision === "block" || this.#made === undefined) return;
    this.#calls += 1;
    const { seq, payload, permission } = boundary;
    const resolution = payload?.resolution;
    if (
      !isJsonObject(call) ||
      typeof call.tool !== "string" ||
      !isJsonObject(call.arguments) ||
      !isJsonObject(resolution)
    ) {
      this.#found.fail("is no call as a kernel writes it", seq);
      return;
    }
    const request = { tool: call.tool, arguments: call.arguments };
    const wrong = this.#made.invalidArguments(request);
    if (wrong !== undefined) this.#found.fail(`it allows what does not fit the tool \`${call.tool}\`: ${wrong}`, seq);
    const expected = this.#made.permit(request, resolution);
    if (!expected.allow) this.#found.fail(`it allows what is not permitted: ${expected.rule}: ${expected.reason}`, seq);
    else if (!same({ ...expected }, permission)) {
      this.#found.fail(`it names another rule than the one that decides: expected ${expected.rule}`, seq);
    }
  }

  end(): CheckResult {
    const { length } = this.#made?.layers ?? [];
    return this.#found.result(
      `${this.#calls} calls that were let through, decided again by ${length} layers`,
      this.#made === undefined ? `no decision was made again: ${this.#why}` : undefined,
    );
  }
}
