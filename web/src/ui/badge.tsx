import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "~/lib/cx";

export type Tone = "plain" | "accent" | "ok" | "warn" | "bad";

const TONES: Record<Tone, string> = {
  plain: "text-soft", accent: "text-accent", ok: "text-ok", warn: "text-warn", bad: "text-bad",
};

/** A state: an icon and a word, never colour alone. */
export function Badge({ icon: Icon, tone = "plain", solid, spin, children }: {
  icon: LucideIcon; tone?: Tone; /** On pictures. */ solid?: boolean; spin?: boolean; children: ReactNode;
}) {
  return (
    <span className={cx("inline-flex items-baseline gap-1 whitespace-nowrap text-xs font-medium", TONES[tone], solid && "rounded-sm bg-panel/95 px-1.5 py-0.5")}>
      <Icon aria-hidden className={cx("size-3.5 shrink-0 self-center", spin && "animate-spin")} />
      {children}
    </span>
  );
}
