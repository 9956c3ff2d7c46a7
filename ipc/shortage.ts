import { bytesWords } from "./byteSize.ts";

/** A disk with less space than `limits.min_free_disk`: nothing new starts until there is more. */
export type Shortage = {
  /** Absolute; a folder on that disk. */
  readonly folder: string;
  readonly free_bytes: number;
  readonly needed_bytes: number;
};

/** One phrase, without a final full stop. */
export function shortageWords({ folder, free_bytes, needed_bytes }: Shortage): string {
  return `${bytesWords(free_bytes)} free in ${folder}, less than limits.min_free_disk (${bytesWords(needed_bytes)})`;
}
