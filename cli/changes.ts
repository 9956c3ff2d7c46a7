import type { ChangeView } from "../ipc/taskViews.ts";
import { changeLines } from "./render/outcomes.ts";
import type { Session } from "./session.ts";

/** Prints what was changed; `done` says it in the past: `cancelled`. */
export function printChanges(
  session: Session,
  result: { readonly tasks: readonly ChangeView[]; readonly all?: boolean },
  done: string,
): void {
  if (session.json) return session.printJson(result);
  for (const line of changeLines(result.tasks, done, session.look())) session.print(line);
}
