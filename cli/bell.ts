/**
 * Wakes a loop that waits: by time, by a ring, or for good when it is closed. Rings that come while
 * nobody waits count once.
 */
export type Bell = {
  readonly ring: () => void;
  readonly close: () => void;
  readonly isClosed: () => boolean;
  /** Resolves when it is closed: what a loop races the answer of a hung supervisor with. */
  readonly closed: Promise<null>;
  /** Resolves after a ring or `ms`, whichever comes first; at once when closed. */
  readonly wait: (ms: number) => Promise<void>;
};

export function makeBell(): Bell {
  let rung = false;
  let closed = false;
  let wake: (() => void) | null = null;
  const end = Promise.withResolvers<null>();
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  return {
    ring,
    close: () => {
      closed = true;
      end.resolve(null);
      ring();
    },
    isClosed: () => closed,
    closed: end.promise,
    wait: async (ms) => {
      if (!rung && !closed) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, ms);
        wake = resolve;
        await promise;
        clearTimeout(timer);
        wake = null;
      }
      rung = false;
    },
  };
}
