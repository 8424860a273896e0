import type { ShotCounts } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { cx } from "~/lib/cx";
import { ShotBadge } from "./states";

const STAGES: [key: keyof Omit<ShotCounts, "$typeName" | "$unknown">, state: Shot_State, word: string, fill: string][] = [
  ["approved", Shot_State.APPROVED, "approved", "bg-ok"],
  ["toReview", Shot_State.TO_REVIEW, "to review", "bg-warn"],
  ["revisionRequested", Shot_State.REVISION_REQUESTED, "in revision", "bg-accent"],
  ["generating", Shot_State.GENERATING, "generating", "bg-accent/60"],
  ["rejected", Shot_State.REJECTED, "rejected", "bg-bad"],
  ["planned", Shot_State.PLANNED, "planned", "bg-line"],
];

export function shotTotal(shots: ShotCounts | undefined): number {
  return STAGES.reduce((sum, [key]) => sum + (shots?.[key] ?? 0), 0);
}

/** How the shots of a shooting stand, as one bar. What it shows is in its name, too. */
export function StageBar({ shots, className }: { shots: ShotCounts | undefined; className?: string }) {
  const all = shotTotal(shots);
  const present = STAGES.filter(([key]) => (shots?.[key] ?? 0) > 0);
  const label = all === 0 ? "No shots yet" : present.map(([key, , word]) => `${shots![key]} ${word}`).join(", ");
  return (
    <span role="img" aria-label={label} title={label} className={cx("flex h-1.5 gap-px overflow-hidden rounded-full bg-hover", className)}>
      {present.map(([key, , , fill]) => <span key={key} className={fill} style={{ flexGrow: shots![key] }} />)}
    </span>
  );
}

/** The same as numbers, each with its icon and word. */
export function StageList({ shots }: { shots: ShotCounts | undefined }) {
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1.5">
      {STAGES.map(([key, state]) => (
        <li key={key} className="flex items-baseline gap-1.5">
          <span className={cx("text-lg tabular-nums", shots?.[key] ? "font-semibold" : "text-soft")}>{shots?.[key] ?? 0}</span>
          <ShotBadge state={state} />
        </li>
      ))}
    </ul>
  );
}
