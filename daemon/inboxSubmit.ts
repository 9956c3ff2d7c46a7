import { hash } from "node:crypto";
import { FailureError } from "../ipc/errors.ts";
import { submit } from "./server/methods/submit.ts";
import type { Failure } from "../ipc/errors.ts";
import type { ServerContext } from "./server/context.ts";
import type { TaskId } from "../ipc/ids.ts";

/**
 * Submits a file of the inbox. Ids that it leaves open are derived from its name and content, so that
 * the same file found again after a crash is the same tasks.
 */
export async function submitFile(
  content: Uint8Array,
  name: string,
  context: ServerContext,
): Promise<{ readonly refused: string | null }> {
  const { parseTaskFile } = await import("../ipc/taskFile.ts");
  const seed = hash("sha256", Buffer.concat([Buffer.from(`${name}\0`), content]), "hex");
  let minted = 0;
  const mint = () => `i${seed.slice(0, 16)}-${(minted += 1)}` as TaskId;
  const parsed = parseTaskFile(content, { name, format: "auto", mint });
  if (!parsed.ok) return { refused: words(parsed.failure) };
  try {
    await submit({ request: `i${seed.slice(0, 32)}`, tasks: parsed.value.specs }, context);
    return { refused: null };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    // It stays where it is, for the next supervisor.
    if (error.failure.code === "stopping") throw error;
    return { refused: words(error.failure) };
  }
}

function words({ message, problems, hint }: Failure): string {
  const lines = problems.map(({ file, line, column, field, message: text }) => {
    const place = [file, line, column].filter((part) => part !== null).join(":");
    return [place, field, text].filter((part) => part !== "").join("  ");
  });
  return [message, ...lines, ...(hint === null ? [] : [hint])].join("\n");
}
