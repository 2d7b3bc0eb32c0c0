interface Lock {
  readonly packages: Readonly<Record<string, object>>;
}

/** The first path of `wanted` whose package `installed` does not hold, or undefined. */
export function missing(wanted: Lock, installed: Lock): string | undefined;
