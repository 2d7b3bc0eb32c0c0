import { readlinkSync } from "node:fs";
import { userInfo } from "node:os";

/** Who sits at this terminal, in words for people. */
export function person(): string {
  const { username } = userInfo();
  try {
    const terminal = readlinkSync("/proc/self/fd/0");
    return terminal.startsWith("/dev/pts/") || terminal.startsWith("/dev/tty")
      ? `${username} on ${terminal}`
      : username;
  } catch {
    return username; // stdin is closed
  }
}

/** The user of the operating system. */
export function user(): string {
  return userInfo().username;
}
