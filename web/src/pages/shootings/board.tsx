import type { ReactNode } from "react";
import { Link } from "react-router";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Picture } from "~/components/picture";
import { useCovers } from "~/components/shooting-card";
import { shotTotal, StageBar } from "~/components/stages";
import { ShootingBadge } from "~/components/states";
import { ago, count } from "~/lib/format";
import { paths } from "~/paths";

const STATES = [Shooting_State.DRAFT, Shooting_State.IN_PRODUCTION, Shooting_State.IN_REVIEW, Shooting_State.APPROVED];
const WORDS = ["", "Draft", "In production", "In review", "Approved", "Archived"];

interface Props { shootings: Shooting[]; archive: (it: Shooting) => ReactNode; showArchived: boolean }

/** Shootings by state. They move by themselves, as their shots do. */
export function Board({ shootings, archive, showArchived }: Props) {
  const states = showArchived ? [...STATES, Shooting_State.ARCHIVED] : STATES;
  return (
    <div className="grid gap-4 md:grid-cols-2 lg:grid-flow-col lg:auto-cols-[minmax(11.5rem,1fr)] lg:grid-cols-none lg:overflow-x-auto">
      {states.map((state) => {
        const own = shootings.filter((it) => it.state === state);
        return (
          <section key={state} aria-label={WORDS[state]} className="min-w-0">
            <h2 className="mb-1.5 flex items-center gap-2"><ShootingBadge state={state} /><span className="text-xs tabular-nums text-soft">{own.length}</span></h2>
            {own.length === 0 && <p className="rounded-lg border border-dashed px-3 py-4 text-center text-xs text-soft max-md:py-2">None</p>}
            <ul className="grid gap-2">
              {own.map((it) => <li key={it.id}><Card shooting={it} archive={archive(it)} /></li>)}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

function Card({ shooting, archive }: { shooting: Shooting; archive: ReactNode }) {
  const { id, name, brief, lookCount, shots, updateTime } = shooting;
  const all = shotTotal(shots);
  const covers = useCovers(shooting, 3);
  return (
    <div className="group relative overflow-hidden rounded-lg border bg-panel hover:border-edge">
      {covers.length > 0 && (
        <div className="grid grid-cols-3 gap-px border-b">
          {covers.map((it) => <Picture key={it} mediaId={it} alt="" edge={256} className="aspect-[4/5]" />)}
        </div>
      )}
      <div className="grid gap-1.5 px-3 py-2">
        <div className="flex items-start gap-1">
          <Link to={paths.shooting(id)} title={name} className="min-w-0 flex-1 truncate py-1 font-medium after:absolute after:inset-0 hover:underline">{name}</Link>
          <span className="relative -mr-1.5">{archive}</span>
        </div>
        {covers.length === 0 && brief && <p className="line-clamp-2 text-xs text-soft">{brief}</p>}
        <StageBar shots={shots} />
        <p className="flex justify-between gap-2 text-xs text-soft">
          <span className="truncate">{count(lookCount, "look")}{all > 0 && ` · ${shots?.approved ?? 0} of ${all} approved`}</span>
          <span className="shrink-0">{ago(updateTime)}</span>
        </p>
      </div>
    </div>
  );
}
