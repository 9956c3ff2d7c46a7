import * as z from "zod";
import { parseByteSize } from "./byteSize.ts";

/** A size such as `512MiB`, as the number of its bytes. */
export function byteSizeSchema(bytesMin: number) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === "number" ? `${input} has no unit; write a size such as 512MiB` : undefined,
    })
    .transform((text, { issues }) => {
      const parsed = parseByteSize(text);
      const message = parsed.ok ? null : parsed.message;
      const tooSmall =
        parsed.ok && parsed.bytes < bytesMin ? `must be at least ${bytesMin}B` : null;
      const fault = message ?? tooSmall;
      if (fault !== null) issues.push({ code: "custom", input: text, message: fault });
      return parsed.ok ? parsed.bytes : 0;
    });
}
