import { capture } from "../../system/spawn.ts";
import type { Place } from "./place.ts";

const measureMsMax = 60_000;

/**
 * Bytes on disk of the workspace and the temporary files of its attempt; hard links count once, other
 * file systems mounted in there do not. `null`: it cannot be told. By du(1) with little priority, because
 * looking at 50,000 files takes 100 ms and more that nobody else should wait for.
 */
export async function workspaceBytes(
  { workTree, temporary }: Place,
  signal?: AbortSignal,
): Promise<number | null> {
  const { stdout } = await capture("nice", ["-n", "10", "du", "-sxk", "--", workTree, temporary], {
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
    timeoutMs: measureMsMax,
    ...(signal === undefined ? {} : { signal }),
  });
  // Files that come and go while it looks are complaints on standard error, and no reason to stop.
  const sizes = [...stdout.matchAll(/^(\d+)\t/gm)].map(([, kibibytes]) => Number(kibibytes));
  return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0) * 1024;
}
