import { decideWorkerReady } from "./adoption.ts";
import {
  cancelTasks,
  pauseLabel,
  pauseTasks,
  resumeLabel,
  resumeTasks,
  retryTasks,
} from "./changes.ts";
import { decideReport, decideWorkerGone } from "./reports.ts";
import {
  decideFollowed,
  decideHeld,
  decideMerged,
  decideMoved,
  decideReleased,
} from "./landing.ts";
import { dropGateOf } from "./gate.ts";
import { applyWithDependents } from "./dependencies.ts";
import { breakLocks, endHold, giveUpWaiting, noticeForeign, requestLock } from "./holds.ts";
import { resolveTask } from "./resolve.ts";
import { decidePushed, decidePushFailed } from "./push.ts";
import { submitTasks } from "./submit.ts";
import { unreachable } from "./unreachable.ts";
import type { Command, Decision } from "./commands.ts";
import type { Event } from "./events.ts";
import type { State } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** Records an event and applies it to the state before it returns. */
export type Apply = (event: Event) => void;

const fact: Decision = { ok: true, answer: { of: "fact" } };

/**
 * Decides one command on the newest state. Every event goes through `apply` at once, so that what is
 * decided next sees it; a rejected command applies nothing.
 */
export function decide(state: State, command: Command, at: number, apply: Apply): Decision {
  const applyAll: Apply = (event) => applyWithDependents(state, event, apply);
  return decideOne(state, command, at, applyAll);
}

function decideOne(state: State, command: Command, at: number, apply: Apply): Decision {
  switch (command.type) {
    case "supervisorStarted": {
      const before = state.settings;
      apply({ type: "SupervisorStarted", epoch: command.epoch, settings: command.settings });
      dropGateOf(state, before, apply);
      return fact;
    }
    case "settingsChanged": {
      const before = state.settings;
      apply({ type: "SettingsChanged", settings: command.settings });
      dropGateOf(state, before, apply);
      return fact;
    }
    case "branchPrepared":
      apply({ type: "BranchPrepared", tip: command.tip, targetTip: command.targetTip });
      return fact;
    case "submit":
      return submitTasks(state, command.tasks, apply);
    case "cancel":
      return cancelTasks(state, command.ids, apply);
    case "retry":
      return retryTasks(state, command, apply);
    case "resolve":
      return resolveTask(state, command, apply);
    case "pause":
      return pauseTasks(state, command.ids, apply);
    case "resume":
      return resumeTasks(state, command.ids, apply);
    case "pauseLabel":
      return pauseLabel(state, command.label, apply);
    case "resumeLabel":
      return resumeLabel(state, command.label, apply);
    case "workerReady":
      decideWorkerReady(state, command, apply);
      return fact;
    case "workerGone":
      decideWorkerGone(state, command.worker, apply);
      return fact;
    case "report":
      decideReport(state, command, at, apply);
      return fact;
    case "foresee":
      noteForeseen(state, command, apply);
      return fact;
    case "merged":
      decideMerged(state, command, apply);
      return fact;
    case "moved":
      decideMoved(state, command, apply);
      return fact;
    case "landingHeld":
      decideHeld(state, command.reason, apply);
      return fact;
    case "landingReleased":
      decideReleased(state, command, apply);
      return fact;
    case "lock":
      return requestLock(state, command, at, apply);
    case "unlock":
      endHold(state, command, apply);
      return fact;
    case "giveUpWaiting":
      return giveUpWaiting(state, command.hold, apply);
    case "foreignClaim":
      noticeForeign(state, command, apply);
      return fact;
    case "breakLocks":
      return breakLocks(state, command.holders, apply);
    case "followed":
      decideFollowed(state, command.result, apply);
      return fact;
    case "pushed":
      decidePushed(state, command, apply);
      return fact;
    case "pushFailed":
      decidePushFailed(state, command, apply);
      return fact;
    default:
      return unreachable(command);
  }
}

/** Of tasks that have ended meanwhile nothing is to be foreseen any more. */
function noteForeseen(
  state: State,
  { task, other, paths }: Extract<Command, { type: "foresee" }>,
  apply: Apply,
): void {
  const runs = (id: TaskId) => state.tasks.get(id)?.life.status === "running";
  if (!runs(task) || (other !== null && !runs(other))) return;
  if (paths.length === 0) apply({ type: "ConflictAverted", task, other });
  else apply({ type: "ConflictForeseen", task, other, paths });
}
