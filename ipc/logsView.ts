import type { TaskId } from "./ids.ts";

export type LogsQuery = {
  id: TaskId;
  attempt: number | null;
  stream: "stdout" | "stderr";
  offset: number;
};

export type LogsView = {
  attempt: number;
  chunk: Uint8Array;
  next_offset: number;
  size: number;
  /** False when nothing will be added any more. */
  live: boolean;
};
export const logChunkBytesMax = 256 * 1024;
