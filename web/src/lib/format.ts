import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import type { Money } from "~/api/gen/sartiq/type/v1/money_pb";

/** `1.50 USD`: money as it is charged, with more digits where cents would hide it. */
export function money(value: Money | undefined): string {
  if (!value) return "–";
  const amount = Number(value.micros) / 1_000_000;
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 3 : 2;
  return new Intl.NumberFormat("en", {
    style: "currency", currency: value.currency || "USD", minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(amount);
}

export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${value.toLocaleString("en")} ${value === 1 ? noun : plural}`;
}

export function bytes(value: number | bigint): string {
  let size = Number(value);
  for (const unit of ["B", "KB", "MB"]) {
    if (size < 1000) return `${size < 10 && unit !== "B" ? size.toFixed(1) : Math.round(size)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} GB`;
}

export function date(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}

/** `just now`, `5 min ago`, `3 h ago`, `12 May`. */
export function ago(time: Timestamp | undefined, now = Date.now()): string {
  if (!time) return "";
  const then = timestampDate(time);
  const minutes = Math.floor((now - then.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return then.toLocaleDateString("en", { day: "numeric", month: "short", year });
}

export function seconds(value: number): string {
  if (value < 60) return `${Math.round(value)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** `IN_REVIEW` to `In review`. */
export function words(name: string): string {
  const text = name.toLowerCase().replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
