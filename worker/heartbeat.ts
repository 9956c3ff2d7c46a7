import { unreachable } from "../ipc/errors.ts";
import type { AttemptKey, Heartbeat } from "../ipc/workerMessages.ts";
import type { AttemptState } from "./attempt/desk.ts";
import type { Output } from "./attempt/output.ts";

/** What a worker says about itself at this moment. Sent from its main loop, so one that is blocked looks hung. */
export function heartbeatOf(attempt: AttemptKey | null, state: AttemptState | null): Heartbeat {
  if (attempt === null || state === null)
    return { attempt: null, stage: null, output_bytes: 0, last_line: null };
  const live = state.stage === "running" ? (state.live?.commit ?? null) : null;
  return { attempt, stage: state.stage, ...outputOf(state), ...(live === null ? {} : { live }) };
}

function outputOf(state: AttemptState): Pick<Heartbeat, "output_bytes" | "last_line"> {
  switch (state.stage) {
    case "workspace":
      return { output_bytes: 0, last_line: state.note ?? null };
    case "setup":
    case "running":
    case "ending":
    case "hooks":
      return lookAt(state.output);
    case "saving":
      return { output_bytes: state.outputBytes, last_line: state.note ?? null };
    default:
      return unreachable(state);
  }
}

function lookAt(output: Output): Pick<Heartbeat, "output_bytes" | "last_line"> {
  return { output_bytes: output.bytes(), last_line: output.lastLine() };
}
