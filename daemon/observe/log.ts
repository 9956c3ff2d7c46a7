import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The supervisor's log: JSON lines in `.aibrain/logs/orchd.log`, rotated by size; with
 * `--foreground` warnings and worse also go to standard error, for the service manager's journal.
 * Never put a secret, an environment or a task's output here.
 */
export type Log = {
  readonly info: (message: string, fields?: Fields) => void;
  readonly warn: (message: string, fields?: Fields) => void;
  readonly error: (message: string, fields?: Fields) => void;
  /** Makes the file again after it was removed; what is written to a removed file is lost. */
  readonly reopen: () => void;
  /** Everything is written when it resolves. */
  readonly close: () => Promise<void>;
};
type Fields = Readonly<Record<string, unknown>>;
type Level = "info" | "warn" | "error";

const fileBytesMax = 10 * 1024 * 1024;
const filesMax = 5;
/** Lines kept until winston is loaded: it costs more than the rest of the start. */
const earlyLinesMax = 1_000;

export function openLog(file: string, options: { readonly toStandardError: boolean }): Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const early: [Level, string, Fields][] = [];
  const winston = import("winston").then(({ createLogger, format, transports }) => {
    const toFile = () =>
      new transports.File({
        filename: file,
        maxsize: fileBytesMax,
        maxFiles: filesMax,
        tailable: true,
        options: { flags: "a", mode: 0o600 },
      });
    const toStandardError = new transports.Console({
      level: "warn",
      stderrLevels: ["warn", "error"],
      silent: !options.toStandardError,
    });
    const made = createLogger({
      level: "info",
      format: format.combine(format.timestamp(), format.json()),
      transports: [toFile(), toStandardError],
    });
    return { made, toFile, toStandardError };
  });
  let logger: Awaited<typeof winston> | null = null;
  const loaded = winston.then((parts) => {
    logger = parts;
    for (const [level, message, fields] of early.splice(0)) parts.made.log(level, message, fields);
    return parts;
  });
  const write =
    (level: Level) =>
    (message: string, fields: Fields = {}) => {
      if (logger !== null) logger.made.log(level, message, fields);
      else if (early.length < earlyLinesMax) early.push([level, message, fields]);
    };
  return {
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    reopen: () => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      if (logger === null) return;
      const { made, toFile, toStandardError } = logger;
      made.clear().add(toFile()).add(toStandardError);
    },
    close: async () => {
      const { made } = await loaded;
      await new Promise<void>((resolve) => {
        made.on("finish", resolve);
        made.end();
      });
    },
  };
}
