import type { Supervised } from "./supervised.ts";

/**
 * Shell for a task that conflicts each time it runs, whatever the timing: while it runs, a person
 * commits a change of the line that it writes, and their commit comes into orchd's branch before the
 * task is merged. The person outlives the attempt: nobody who ends it finds their git.
 */
export function conflictingShell(personDir: string, file = "shared.txt"): string {
  // Their branch may be following at this very moment, and git gives up at once where it is locked.
  const commit =
    'git -c user.name=P -c user.email=p@example.com commit --quiet --all --message "Person $1"';
  // What landed before is there when they begin: a commit without it would conflict with that, and hold everything.
  const caughtUp = "git merge-base --is-ancestor orchd/main main";
  const person = [
    `cd '${personDir}'`,
    `for look in $(seq 200); do ${caughtUp} && break; sleep 0.05; done`,
    'until [ -z "$(git status --porcelain)" ]; do sleep 0.05; done',
    `echo "person $1" > ${file}`,
    `for try in $(seq 100); do ${commit} && exit 0; sleep 0.1; done; exit 1`,
  ].join(" && ");
  const apart = `env -i PATH="$PATH" HOME="$HOME" setsid --wait sh -c '${quoted(person)}' sh`;
  return `n=$(git -C '${personDir}' rev-list --count main) && echo "task $n" > ${file} && ${apart} "$n"`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

/** Submits a task that conflicts until it is parked. */
export async function parkTask(supervised: Supervised, id: string): Promise<void> {
  const shell = conflictingShell(supervised.repository.dir);
  const ids = await supervised.submit({ id, title: `Do ${id}`, run: { shell } });
  const [end] = await supervised.wait(ids);
  if (end?.reason?.kind !== "conflict") throw new Error(JSON.stringify(end));
}
