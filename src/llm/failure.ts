import { WorldError } from "../model/errors.ts";

/** How one attempt failed. */
export type Failure =
  /** An HTTP status other than 2xx. `waitMs`: what the provider asks to wait. */
  | { readonly kind: "status"; readonly status: number; readonly waitMs?: number | undefined; readonly detail: string }
  /** No answer: refused, reset, no such host. */
  | { readonly kind: "network"; readonly detail: string }
  | { readonly kind: "timeout"; readonly timeoutMs: number }
  /** An answer that is none. */
  | { readonly kind: "nonsense"; readonly detail: string }
  /** The provider's package would not send the request. */
  | { readonly kind: "unsupported"; readonly detail: string };

export class AttemptFailure extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.kind);
    this.name = "AttemptFailure";
    this.failure = failure;
  }
}

export function nonsense(detail: string): AttemptFailure {
  return new AttemptFailure({ kind: "nonsense", detail });
}

/** Whether asking again may help. An answer that is nonsense was paid for and is not asked for twice. */
export function isRetryable(failure: Failure): boolean {
  switch (failure.kind) {
    case "status":
      return failure.status === 408 || failure.status === 429 || failure.status >= 500;
    case "network":
    case "timeout":
      return true;
    case "nonsense":
    case "unsupported":
      return false;
  }
}

/** The error for whoever asked. `who` names provider and model. */
export function worldError(failure: Failure, who: string, attempts: number): WorldError {
  const tries = attempts === 1 ? "" : ` after ${attempts} attempts`;
  switch (failure.kind) {
    case "status":
      return refusal(failure.status, `${who} answered ${failure.status}${tries}${quote(failure.detail)}`);
    case "network":
      return new WorldError({
        code: "model-unreachable",
        message: `${who} could not be reached${tries}${quote(failure.detail)}`,
        hint: "check the address and the network, then run again",
      });
    case "timeout":
      return new WorldError({
        code: "model-timeout",
        message: `${who} gave no answer within ${failure.timeoutMs} ms${tries}`,
        hint: "raise `runtime.timeoutMs` or try again later",
      });
    case "nonsense":
      return new WorldError({
        code: "model-nonsense",
        message: `${who} answered nonsense: ${failure.detail}`,
        hint: "check that the address is that of a model server of this kind",
      });
    case "unsupported":
      return new WorldError({
        code: "model-unsupported",
        message: `${who} cannot be asked this${quote(failure.detail)}`,
      });
  }
}

function refusal(status: number, message: string): WorldError {
  if (status === 401 || status === 403) {
    return new WorldError({ code: "model-unauthorized", message, hint: "check the key in the environment" });
  }
  if (status === 408 || status === 429 || status >= 500) {
    return new WorldError({ code: "model-unavailable", message, hint: "try again later" });
  }
  return new WorldError({ code: "model-refused", message, hint: "check the model's id and its settings" });
}

function quote(detail: string): string {
  return detail === "" ? "" : `: ${detail}`;
}
