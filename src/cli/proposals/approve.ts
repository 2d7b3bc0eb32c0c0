import { resolve as absolute } from "node:path";
import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type Approved, approveProposal, checkApproval } from "../../runtime/proposals/decide.ts";
import { openSigner } from "../../runtime/trust/key-files.ts";
import { readSignable, signHookFile } from "../../runtime/trust/sign.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { user } from "../person.ts";
import { readPassphrase } from "../trust/passphrase.ts";
import { jsonLine, visibleLine } from "../visible.ts";

interface Options {
  readonly key: string;
  readonly out: string;
  readonly expires?: number;
  readonly passphraseFd?: number;
}

/** `hook proposals approve`: the pin of the hook whose bytes were proposed, signed. */
export async function approve({ args: [id = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const env = environment();
  // What stands in the way is said before anybody types a passphrase.
  await checkApproval({ id, out: options.out }, env);
  const file = absolute(env.cwd, options.key);
  const passphrase = await readPassphrase(options.passphraseFd, { prompt: `passphrase of ${file}`, isNew: false });
  const key = await openSigner(file, passphrase, env);
  const approved = await approveProposal(
    {
      id,
      out: options.out,
      by: user(),
      sign: async (manifest) => signHookFile(await readSignable(manifest, env), key, options.expires, env),
    },
    env,
  );
  if (json) out.data(jsonLine(approved));
  else {
    out.data(pinOf(approved));
    out.talk(
      visibleLine(
        `approved with ${approved.key} in ${approved.folder}; the line above is the pin, its source relative to the blueprint`,
      ),
    );
  }
  return EXIT.ok;
}

function pinOf({ name, version, digest, signature, source }: Approved): string {
  const fields = Object.entries({ name, version, digest, signature, source });
  return `- { ${fields.map(([field, value]) => `${field}: ${JSON.stringify(value)}`).join(", ")} }`;
}
