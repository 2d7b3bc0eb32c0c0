import { readlinkSync } from "node:fs";
import { userInfo } from "node:os";

/** Who sits at this terminal, in words for people. */
export function person(): string {
  const name = user();
  try {
    const terminal = readlinkSync("/proc/self/fd/0");
    return terminal.startsWith("/dev/pts/") || terminal.startsWith("/dev/tty") ? `${name} on ${terminal}` : name;
  } catch {
    return name; // stdin is closed
  }
}

/** Who decides: the name of this user of the operating system, or the number where the system knows no name. */
export function user(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown"); // ERR_SYSTEM_ERROR: no entry in the password file
  }
}
