/** Does a hostcall; what the host refuses, which arrives as a bare text, becomes an `Error` with that message. */
export function plainErrors<T>(call: () => T): T {
  try {
    return call();
  } catch (refused) {
    throw refused instanceof Error ? refused : new Error(String(refused));
  }
}
