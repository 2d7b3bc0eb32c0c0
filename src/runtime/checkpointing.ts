import type { Checkpointing } from "../journal/checkpoint.ts";
import type { Json } from "../model/json.ts";
import { signCheckpoint, toCheckpoint } from "../trust/checkpoint.ts";
import { type PublicKey, type SigningKey, signingKey } from "../trust/ed25519.ts";
import { configuration } from "./config.ts";
import type { Environment } from "./machine.ts";
import { userSecret } from "./secret.ts";

/** Checkpoints signed with this user's key, in the places that machine and user ask for. */
export async function checkpointing(env: Environment): Promise<Checkpointing> {
  const { checkpoints } = await configuration(env);
  const key = await checkpointKey(env);
  return { ...checkpoints, sign: (payload) => signCheckpoint(key, payload), payloadOf };
}

/** What the envelope of a checkpoint says, whoever signed it. */
export function payloadOf(line: Json): string | undefined {
  return toCheckpoint(line)?.payload;
}

/** The public half of the key that signs this user's checkpoints; it is made when there is none yet. */
export async function checkpointPublicKey(env: Environment): Promise<PublicKey> {
  return (await checkpointKey(env)).publicKey;
}

async function checkpointKey(env: Environment): Promise<SigningKey> {
  return signingKey(await userSecret(env, "checkpoint.key"));
}
