import { Option } from "commander";
import { descriptor } from "./hook-trust.ts";

/** For commands that may need the user's secrets. */
export function secretsOption(): Option {
  return new Option(
    "--secrets-fd <number>",
    "read the passphrase of your secrets from this file descriptor, not the terminal",
  ).argParser(descriptor);
}
