import { createHash } from "node:crypto";

/**
 * Files in which it can be told whose each line is. A text has six slots with filler between them, so
 * that changes of different slots never conflict; the person writes words such as `p7` into the first
 * three, agents words such as `t7` into the others, and no word is written twice.
 */
export const slotPaths = ["a.txt", "b.txt", "dir/c.txt", "dir/d.txt"] as const;
export const personSlots = [0, 1, 2] as const;
export const agentSlots = [3, 4, 5] as const;
const slots = [...personSlots, ...agentSlots];
const filler = Array.from({ length: 7 }, (_, at) => `filler ${at}\n`).join("");

export function emptyText(path: string): string {
  return slots.map((slot) => `${path} slot ${slot}: -\n${filler}`).join("");
}

export function withWord(text: string, slot: number, word: string): string {
  return text.replace(new RegExp(` slot ${slot}: .*`), ` slot ${slot}: ${word}`);
}

export function wordIn(text: string, slot: number): string | null {
  return new RegExp(` slot ${slot}: (.*)`).exec(text)?.[1] ?? null;
}

/** Everything agents wrote that is in a text. */
export function agentWords(text: string): string[] {
  return text.match(/\bt\d+\b/g) ?? [];
}

export function blobOf(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
