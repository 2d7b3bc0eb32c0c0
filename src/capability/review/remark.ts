/** Something about a rule that is worth a look. `pointer`: where it stands in a policy bundle (RFC 6901). */
export interface Remark {
  readonly pointer: string;
  readonly message: string;
}

/** The pointer of a rule of `spec`. */
export function place(...tokens: readonly (string | number)[]): string {
  return ["", "spec", ...tokens].join("/");
}
