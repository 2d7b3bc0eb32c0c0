import { WorldError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import type { ModelAnswer, ModelPort } from "../../model/message.ts";
import type { Mask } from "../../tool/ports.ts";
import { maskedError } from "../../tool/secrets/masked.ts";

/** A model whose answers and errors tell no secret, however it came to know one. */
export function maskedModel(model: ModelPort, mask: Mask): ModelPort {
  return {
    async complete(request, signal) {
      try {
        return maskedAnswer(await model.complete(request, signal), mask);
      } catch (error) {
        throw error instanceof WithheldError ? error : maskedError(error, mask);
      }
    },
  };
}

class WithheldError extends WorldError {}

function maskedAnswer(answer: ModelAnswer, mask: Mask): ModelAnswer {
  try {
    return mask.json(answer as unknown as Json) as unknown as ModelAnswer;
  } catch {
    const message = "the model's answer is withheld: it could not be searched for secrets";
    throw new WithheldError({ code: "answer-withheld", message });
  }
}
