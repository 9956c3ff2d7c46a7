import { formatByteSize } from "../../ipc/byteSize.ts";
import { formatDuration } from "../../ipc/duration.ts";
import type { ConfigView } from "../../ipc/methods.ts";
import type { Look } from "./paint.ts";
import { fields } from "./table.ts";
import { plain } from "./text.ts";

/** The settings in force, named as in orchd.yaml, and where they come from. */
export function configPage(view: ConfigView, isRunning: boolean, look: Look): string {
  const source = view.file === null ? "No orchd.yaml: these are the defaults." : plain(view.file);
  const user = isRunning ? "In force in the running supervisor." : "No supervisor runs.";
  const pairs = settingsOf(view.config, "").map(([name, value]) => [name, plain(value)] as const);
  return `${look.paint("strong", source)}\n${look.paint("dim", user)}\n\n${fields(pairs, look)}`;
}

/** `limits.timeout: 1h` for `{ limits: { timeout_ms: 3600000 } }`, as one would write it in the file. */
function settingsOf(value: object, within: string): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, string][] => {
    const name = within === "" ? key : `${within}.${key}`;
    if (typeof inner === "number" && key.endsWith("_ms"))
      return [[name.replace(/_ms$/, ""), formatDuration(inner)]];
    if (typeof inner === "number" && key.endsWith("_bytes"))
      return [[name.replace(/_bytes$/, ""), formatByteSize(inner)]];
    if (isRecord(inner))
      return Object.keys(inner).length === 0 ? [[name, "{}"]] : settingsOf(inner, name);
    return [
      [
        name,
        inner === null ? "not set" : typeof inner === "string" ? inner : JSON.stringify(inner),
      ],
    ];
  });
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
