import { InputError } from "../model/errors.ts";
import { ADAPTERS, type RemoteProvider } from "./provider.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where requests go, and the key that goes with them. */
export interface Destination {
  readonly baseURL: string;
  readonly apiKey: string | undefined;
}

/**
 * The address: the configured one, else the one that the environment names, else the provider's own.
 * The key: from the environment only.
 *
 * INVARIANT: a key leaves this machine only for the provider's own address or one that the environment names, so that
 * a blueprint taken from elsewhere cannot send it to an address of its choosing.
 *
 * Throws `InputError` with the variable to set; no message contains a key.
 */
export function destinationOf(
  { provider, baseUrl }: { readonly provider: RemoteProvider; readonly baseUrl?: string | undefined },
  env: Environment,
): Destination {
  const adapter = ADAPTERS[provider];
  const named = env[adapter.addressVariable]?.trim() || undefined;
  const chosen = baseUrl ?? named ?? adapter.address;
  if (chosen === undefined) {
    throw new InputError({
      code: "no-address",
      message: `provider \`${provider}\` has no address of its own: expected \`runtime.baseUrl\` in the blueprint or \`${adapter.addressVariable}\` in the environment`,
      hint: "for Ollama it is `http://127.0.0.1:11434/v1`",
    });
  }
  const url = parseAddress(chosen, adapter.path);
  const apiKey = readKey(env[adapter.keyVariable], provider);
  if (apiKey !== undefined && !isLoopback(url)) {
    const trusted = [adapter.address, named].filter((address) => address !== undefined);
    if (!trusted.some((address) => parseAddress(address, adapter.path).origin === url.origin)) {
      throw new InputError({
        code: "key-destination",
        message: `\`runtime.baseUrl\` would send the key in \`${adapter.keyVariable}\` to \`${url.origin}\`, which is neither the provider's own address nor the one in \`${adapter.addressVariable}\``,
        hint: `set \`${adapter.addressVariable}=${url.href}\` if that server may have the key`,
      });
    }
  }
  return { baseURL: url.href.replace(/\/$/, ""), apiKey };
}

function readKey(value: string | undefined, provider: RemoteProvider): string | undefined {
  const { keyVariable, keyRequired } = ADAPTERS[provider];
  const key = value?.trim() ?? "";
  if (key === "") {
    if (!keyRequired) return undefined;
    throw new InputError({
      code: "no-key",
      message: `no key for provider \`${provider}\`: the environment variable \`${keyVariable}\` is not set`,
      hint: `set \`${keyVariable}\`; keys are read from the environment only`,
    });
  }
  // A header cannot carry anything else, and the error for it would quote the value.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new InputError({
      code: "bad-key",
      message: `the environment variable \`${keyVariable}\` does not hold a key: expected printable ASCII without blanks`,
    });
  }
  return key;
}

function parseAddress(text: string, path: string): URL {
  const url = URL.parse(text);
  const plain =
    url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash
      ? url
      : undefined;
  if (plain === undefined) {
    throw new InputError({
      code: "bad-address",
      message:
        "the model's base address is not usable: expected `http(s)://host[:port]/path` without user, password, query and fragment",
    });
  }
  if (plain.pathname === "/") plain.pathname = path;
  return plain;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
