import { cx } from "~/lib/cx";

/** How far something is, from 0 to 100; without a value, that it goes on. */
export function Progress({ value, label, className }: { value?: number | undefined; label: string; className?: string }) {
  const isKnown = value !== undefined;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={isKnown ? Math.round(value) : undefined}
      className={cx("h-1 overflow-hidden rounded-full bg-hover", className)}
    >
      <div
        className={cx("h-full rounded-full bg-fill", isKnown ? "transition-[width] duration-200" : "w-1/3 animate-pulse")}
        style={isKnown ? { width: `${Math.min(100, Math.max(0, value))}%` } : undefined}
      />
    </div>
  );
}
