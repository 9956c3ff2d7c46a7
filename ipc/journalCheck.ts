import { isRecord } from "./message.ts";

/**
 * What `daemon/journalCheck.ts` prints, one line of JSON, for `orchd doctor`. The command line cannot
 * open the journal itself: only the supervisor's code knows its format.
 */
export type JournalCheck = {
  readonly verdict: JournalVerdict;
  /** Of the task ids that were asked for, those that no event and no snapshot knows. */
  readonly unknown: readonly string[];
};

export type JournalVerdict =
  | { readonly kind: "absent" }
  /** `proven`: how many of the events were checked one by one, from the last backwards. */
  | {
      readonly kind: "good";
      readonly events: number;
      readonly tasks: number;
      readonly proven: number;
    }
  /** `good_until`: the last event that is proven good; `null` when not even that is known. */
  | {
      readonly kind: "damaged";
      readonly where: string;
      readonly message: string;
      readonly good_until: number | null;
    }
  /** A newer orchd wrote it. */
  | { readonly kind: "format"; readonly found: number; readonly known: number }
  | { readonly kind: "unreadable"; readonly message: string }
  /** Something wrote to it at the same time, so what was found proves nothing. */
  | { readonly kind: "changing" };

const kinds: ReadonlySet<unknown> = new Set<JournalVerdict["kind"]>([
  "absent",
  "good",
  "damaged",
  "format",
  "unreadable",
  "changing",
]);

/** `null` for what is not such a line. */
export function readJournalCheck(line: string): JournalCheck | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value) || !isRecord(value["verdict"]) || !Array.isArray(value["unknown"]))
    return null;
  return kinds.has(value["verdict"]["kind"]) ? (value as JournalCheck) : null;
}
