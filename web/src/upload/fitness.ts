import type { Problem } from "~/api/errors";
import { bytes } from "~/lib/format";

const LARGEST = 100 * 1024 * 1024;
const TYPES: Record<string, string> = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", gif: "image/gif", mp4: "video/mp4",
};

/** What the file input offers. */
export const ACCEPT = "image/png,image/jpeg,image/webp,image/gif";

function ending(name: string): string {
  return name.split(".").pop()?.toLowerCase() ?? "";
}

/** The media type, by the ending where the browser does not know it. */
export function typeOf(file: File): string {
  return Object.values(TYPES).includes(file.type) ? file.type : (TYPES[ending(file.name)] ?? "");
}

/** Why `file` need not be sent at all. */
export function unfit(file: File): Problem | undefined {
  const refuse = (reason: string, message: string, hint: string): Problem =>
    ({ message, hint, reason, fields: {}, requestId: "", isNotFound: false, isRetryable: false });
  if (!typeOf(file)) {
    const kind = ending(file.name).toUpperCase();
    return refuse("NOT_A_PICTURE", `${kind && kind.length < 6 ? `${kind} files are` : "This kind of file is"} not supported.`, "Send PNG, JPEG, WebP or GIF.");
  }
  if (file.size === 0) return refuse("TRUNCATED", "The file is empty.", "Export it again and send it once more.");
  if (file.size > LARGEST) {
    return refuse("TOO_LARGE", `The file has ${bytes(file.size)}; at most ${bytes(LARGEST)} are allowed.`, "Send a smaller version.");
  }
  return undefined;
}
