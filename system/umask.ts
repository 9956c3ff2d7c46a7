/**
 * What the supervisor writes for itself is private to the user. What it writes into the person's
 * working tree is not: that gets the permissions their own umask says.
 */
let inherited: number | null = null;

/** From now on files of this process are private. Called once, at the start. */
export function keepPrivate(): void {
  inherited = process.umask(0o077);
}

/** The umask this process was started with; `null` while it has not been changed. */
export function inheritedUmask(): number | null {
  return inherited;
}
