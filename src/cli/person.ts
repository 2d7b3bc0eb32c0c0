import { readlinkSync } from "node:fs";
import { user } from "./environment.ts";

/** Who sits at this terminal, in words for people. */
export function person(): string {
  const username = user();
  try {
    const terminal = readlinkSync("/proc/self/fd/0");
    return terminal.startsWith("/dev/pts/") || terminal.startsWith("/dev/tty")
      ? `${username} on ${terminal}`
      : username;
  } catch {
    return username; // stdin is closed
  }
}
