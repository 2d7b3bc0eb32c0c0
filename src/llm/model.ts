import { InputError } from "../model/errors.ts";
import type { ModelAnswer, ModelPort, ModelRequest } from "../model/message.ts";
import { answerOf } from "./answer.ts";
import { attempts, type Sleep, sleepByTimer } from "./attempts.ts";
import { type Destination, destinationOf, type Environment } from "./destination.ts";
import { AttemptFailure, nonsense } from "./failure.ts";
import { toolNames } from "./names.ts";
import { callOptions } from "./prompt.ts";
import { ADAPTERS, type RemoteProvider } from "./provider.ts";
import { scrubber } from "./secret.ts";
import { Exchange } from "./transport.ts";

/** A blueprint's `runtime`, as far as models go. */
export interface ModelConfig {
  readonly provider: RemoteProvider;
  readonly model: string;
  readonly baseUrl?: string | undefined;
  /** Of one attempt, in ms. */
  readonly timeoutMs: number;
  /** Further attempts after one that failed with 408, 429, 5xx, a network error or a timeout. */
  readonly retries: number;
}

export interface ModelWorld {
  readonly env: Environment;
  readonly fetch?: typeof globalThis.fetch;
  readonly sleep?: Sleep;
  /** [0, 1): spreads the waits between attempts; without it they are not spread. */
  readonly random?: () => number;
}

/**
 * A model behind HTTP. Reads the key now, so that a missing one stops a run before it starts; loads the provider's
 * package with the first request. Keeps no state between requests.
 *
 * Throws `InputError` (`no-key`, `key-destination`, `no-address`, …). `complete` throws `InputError` for another model
 * than this one and for tools whose names no provider could tell apart, `InterruptedError` when cancelled, and
 * `WorldError`: `model-unreachable`, `model-timeout`, `model-unavailable`, `model-unauthorized`, `model-refused`,
 * `model-unsupported`, `model-nonsense`.
 * Neither errors nor answers contain the key.
 */
export function createModel(config: ModelConfig, world: ModelWorld): ModelPort {
  const destination = destinationOf(config, world.env);
  const policy = {
    retries: config.retries,
    timeoutMs: config.timeoutMs,
    sleep: world.sleep ?? sleepByTimer,
    random: world.random ?? (() => 1),
  };
  const bound = `${config.provider}:${config.model}`;
  const who = `model \`${bound}\``;
  return {
    async complete(request, signal) {
      const asked = `${request.provider}:${request.model}`;
      // What the gates saw is what is asked: a hook may not send the conversation elsewhere by renaming the model.
      if (asked !== bound) {
        throw new InputError({ code: "other-model", message: `this run is bound to ${who}, not to \`${asked}\`` });
      }
      return attempts(
        (attempt) => ask({ config, destination, request, signal: attempt, fetch: world.fetch ?? globalThis.fetch }),
        policy,
        { who, signal },
      );
    },
  };
}

interface Question {
  readonly config: ModelConfig;
  readonly destination: Destination;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  readonly fetch: typeof globalThis.fetch;
}

async function ask({ config, destination, request, signal, fetch }: Question): Promise<ModelAnswer> {
  const scrub = scrubber(destination.apiKey);
  const names = toolNames(request.tools.map(({ name }) => name));
  const exchange = new Exchange(fetch, scrub);
  let calls = 0;
  const model = await ADAPTERS[config.provider].open({
    ...destination,
    model: config.model,
    fetch: exchange.fetch,
    generateId: () => `call-${request.step}-${++calls}`,
  });
  try {
    const generated = await model.doGenerate({ ...callOptions(request, names), abortSignal: signal });
    return answerOf(generated, { request, names, scrub });
  } catch (error) {
    throw classify(error, exchange);
  }
}

/** The packages throw many kinds of errors, which quote requests and headers; how far the exchange came says enough. */
function classify(error: unknown, exchange: Exchange): AttemptFailure {
  if (error instanceof AttemptFailure) return error;
  if (exchange.state === "answered") return nonsense(`expected an answer of a model, found ${exchange.summary}`);
  const kind = exchange.state === "unsent" ? "unsupported" : "network";
  return new AttemptFailure({ kind, detail: exchange.quoteError(error) });
}
