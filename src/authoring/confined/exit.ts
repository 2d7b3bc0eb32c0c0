/** The exit code that says: the source is wrong, and the text says why. */
export const REFUSED = 3;
