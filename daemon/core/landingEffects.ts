import { candidateOfMember, chainUpTo, gateCommands } from "./chain.ts";
import { currentAttempt } from "./state.ts";
import { generatedGlobs, mayTouchGenerated, rulesFor } from "./generated.ts";
import { unreachable } from "./unreachable.ts";
import type { Effect } from "./effects.ts";
import type { LandingStep } from "./landingState.ts";
import type { State, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** The step that the current landing is at; asked again after a pause when it could not be carried out. */
export function landingEffects(state: State): Effect[] {
  const { current } = state.landing;
  const task = current === null ? undefined : state.tasks.get(current);
  const attempt = task === undefined ? undefined : currentAttempt(task);
  if (task?.life.status !== "landing" || attempt === undefined) return [];
  const { step, saved, fence } = task.life;
  const key = { task: task.id, fence };
  switch (step.at) {
    case "waiting":
    case "chained":
      return [];
    case "merging": {
      const front = chainUpTo(state, task.id).at(-2);
      const onto = front === undefined ? null : candidateOfMember(front);
      return [
        {
          kind: "merge",
          ...key,
          attempt: attempt.number,
          spec: task.spec,
          saved,
          at: step.since,
          ...(onto === null ? {} : { onto: { commit: onto.commit, tree: onto.tree } }),
          ...(mayTouchGenerated(state, saved) ? { generated: generatedOf(state, step) } : {}),
        },
      ];
    }
    case "generating":
      return [
        {
          kind: "generate",
          task: task.id,
          attempt: attempt.number,
          fence: step.fence,
          commit: step.commit,
          rules: rulesFor(state, step.globs),
        },
      ];
    case "gate":
      return [
        {
          kind: "gate",
          task: task.id,
          attempt: attempt.number,
          fence: step.fence,
          ...gateRun(state, task, step),
          timeoutMs: state.settings.verifyTimeoutMs,
        },
      ];
    case "moving": {
      const [first] = chainUpTo(state, task.id);
      const { onto, ontoTree } =
        (first === undefined ? null : candidateOfMember(first)) ?? step.candidate;
      return [{ kind: "move", ...key, candidate: { ...step.candidate, onto, ontoTree } }];
    }
    default:
      return unreachable(step);
  }
}

/** Of the chain's base only the setup, or what everybody has to pass. */
function gateRun(
  state: State,
  task: Task,
  { candidate, suspected, setup }: Extract<LandingStep, { at: "gate" }>,
): Pick<Extract<Effect, { kind: "gate" }>, "commit" | "commands"> {
  if (suspected !== null) return { commit: candidate.onto, commands: state.settings.verify };
  if (setup?.on !== "base")
    return { commit: candidate.commit, commands: gateCommands(state, task) };
  const [first] = chainUpTo(state, task.id);
  const { onto } = (first === undefined ? null : candidateOfMember(first)) ?? candidate;
  return { commit: onto, commands: [] };
}

function generatedOf(
  state: State,
  { regenerated }: Extract<LandingStep, { at: "merging" }>,
): NonNullable<Extract<Effect, { kind: "merge" }>["generated"]> {
  const globs = generatedGlobs(state);
  return regenerated === undefined ? { globs } : { globs, regenerated };
}

/** Nothing lands that would have the branch looked at. */
export function lookEffects({ landing: { held, redBase, tip } }: State): Effect[] {
  const rewound = held?.kind === "rewound" && redBase !== null;
  return rewound || held?.kind === "base_red" ? [{ kind: "look", tip, rewound }] : [];
}

/** By itself only where the settings say so. */
export function followEffects(state: State): Effect[] {
  return state.settings.follow === "auto" ? [{ kind: "follow", from: state.landing.followed }] : [];
}

/** The gate run of what left the landing, if it goes on. */
export function endOpenGate(
  state: State,
  { task, openGate }: { readonly task: TaskId; readonly openGate: number | null },
): Effect[] {
  if (openGate === null) return [];
  const attempt = state.tasks.get(task)?.attempts.at(-1)?.number ?? 0;
  return [{ kind: "cancelGate", task, attempt, fence: openGate }];
}
