import { WorldError } from "../model/errors.ts";

/** A source does not compile, or cannot be compiled here. The message is the compiler's own, with file and line. */
export class BuildError extends WorldError {
  constructor(message: string, hint?: string) {
    super({ code: "build-failed", message, hint });
  }
}
