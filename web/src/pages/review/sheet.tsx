import { useQuery } from "@tanstack/react-query";
import { CircleCheckBig, PackageCheck, Sparkles } from "lucide-react";
import { useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { predictionsOfShooting } from "~/api/generation";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { useRights } from "~/api/identity";
import { Page } from "~/components/page";
import { ShootingTabs } from "~/components/shooting-frame";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, NoMatch } from "~/components/state";
import { ShootingBadge } from "~/components/states";
import { TileGrid, type TileGridHandle } from "~/components/tile-grid";
import { count } from "~/lib/format";
import { grouped } from "~/lib/grouped";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { Segmented } from "~/ui/tabs";
import { Waiting } from "./ask";
import { isReady, waits, type Frame } from "./reel";
import type { Selection } from "./selection";
import { said, SelectionBar } from "./selection-bar";
import { ShotTile } from "./tile";

const FILTERS = { all: 0, waiting: Shot_State.TO_REVIEW, approved: Shot_State.APPROVED, rejected: Shot_State.REJECTED, revision: Shot_State.REVISION_REQUESTED } as const;
export type Filter = keyof typeof FILTERS;

export const filterOf = (name: string | null): Filter => (name !== null && name in FILTERS ? (name as Filter) : "all");
export const fitting = (frames: Frame[], filter: Filter) => frames.filter(({ shot }) => filter === "all" || shot.state === FILTERS[filter]);

interface SheetProps {
  shooting: Shooting;
  frames: Frame[];
  /** How many shots nothing was made for yet. */
  plannedCount: number;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  selection: Selection;
  onOpen: (shotId: string) => void;
  /** The shot that was open before. */
  focus: string;
  /** Beside the title. */
  aside: ReactNode;
}

/** All shots of a shooting at a glance, and what is done with many of them. */
export function Sheet({ shooting, frames, plannedCount, filter, onFilter, selection, onOpen, focus, aside }: SheetProps) {
  const { id } = shooting;
  const { make, decide: maySelect } = useRights();
  const shown = fitting(frames, filter);
  const selected = maySelect ? shown.filter((it) => selection.ids.has(it.shot.id)) : [];
  const grid = useRef<TileGridHandle>(null);
  const { data, error, refetch } = useQuery(predictionsOfShooting(id));
  const made = useMemo(() => data && grouped(data.filter(isReady), (it) => it.shotId), [data]);
  const of = (name: Filter) => fitting(frames, name).length;
  const options: [Filter, string][] = [["all", `All ${of("all")}`], ["waiting", `To review ${of("waiting")}`], ["approved", `Approved ${of("approved")}`], ["rejected", `Rejected ${of("rejected")}`], ["revision", `Revision ${of("revision")}`]];
  const next = frames.find(waits);
  return (
    <Page
      title={shooting.name} within="Review" aside={<><ShootingBadge state={shooting.state} />{aside}<Waiting /></>}
      actions={<>
        {make && of("approved") > 0 && <LinkButton to={paths.deliver(id)} icon={PackageCheck} look={next ? "plain" : "primary"}>Deliver {of("approved")} approved</LinkButton>}
        {next && <LinkButton to={paths.shootingReview(id, next.shot.id)} icon={CircleCheckBig} look="primary">Start reviewing</LinkButton>}
      </>}
      below={<><ShootingTabs id={id} />{frames.length > 0 && <div className="mt-3 overflow-x-auto whitespace-nowrap [scrollbar-width:none]"><Segmented label="Which shots" value={filter} options={options} onChange={onFilter} /></div>}</>}
      foot={selected.length > 0 && <SelectionBar shootingId={id} frames={selected} total={shown.length} made={made} onClear={() => selection.set([])} onLeave={() => grid.current?.focus()} />}
    >
      <p role="status" className="sr-only">{selected.length > 0 && said(selected.length, shown.length)}</p>
      {error && !data && <div className="mb-3"><ErrorPanel error={error} onRetry={refetch} /></div>}
      {frames.length === 0
        ? <Empty icon={Sparkles} title="Nothing was made yet" action={make && <LinkButton to={paths.generate(id)} look="primary">Go to the generator</LinkButton>}>{count(plannedCount, "shot is", "shots are")} planned. Pictures show up here as soon as the first is made.</Empty>
        : shown.length === 0
          ? <NoMatch filters="the chosen state" onClear={() => onFilter("all")} />
          : <Shots key={filter} grid={grid} shootingId={id} frames={shown} made={made} selection={selection} onOpen={onOpen} focus={focus} />}
    </Page>
  );
}

interface ShotsProps {
  grid: RefObject<TileGridHandle | null>;
  shootingId: string;
  frames: Frame[];
  made: ReadonlyMap<string, Prediction[]> | undefined;
  selection: Selection;
  onOpen: (shotId: string) => void;
  focus: string;
}

/** One tab stop; arrows move, Enter opens, Space and Shift with arrows select. */
function Shots({ grid, shootingId, frames, made, selection, onOpen, focus }: ShotsProps) {
  const { decide: maySelect } = useRights();
  const [active, setActive] = useState(focus);
  const press = (key: string, isRange = false) => () => grid.current?.press(key, isRange);
  const open = () => {
    const frame = frames.find((it) => it.shot.id === active) ?? frames[0];
    if (frame) onOpen(frame.shot.id);
  };
  const move = (id: string, isRange: boolean) => {
    setActive(id);
    if (isRange) selection.extend(id);
    else selection.move(id);
  };
  const select = (id: string, isRange: boolean) => {
    if (isRange) selection.extend(id);
    else selection.toggle(id);
    setActive(id);
    grid.current?.focus(id);
  };
  const isOnTile = ({ target }: Event) => target instanceof Element && target.closest("[data-tile]") !== null;
  useShortcuts("Contact sheet", {
    next: press("ArrowRight"), previous: press("ArrowLeft"), below: press("ArrowDown"), above: press("ArrowUp"), first: press("Home"), last: press("End"),
    single: open, open,
    ...(maySelect && {
      select: (event) => isOnTile(event) && (selection.toggle(active), true),
      selectNext: press("ArrowRight", true), selectPrevious: press("ArrowLeft", true), selectBelow: press("ArrowDown", true), selectAbove: press("ArrowUp", true),
      selectFirst: press("Home", true), selectLast: press("End", true), selectAll: () => selection.set(frames.map((it) => it.shot.id)),
    }),
  });
  return (
    <TileGrid
      key={String(maySelect)} ref={grid} label="Contact sheet" items={frames} keyOf={(it) => it.shot.id} start={focus} onMove={(it, isRange) => move(it.shot.id, isRange)}
      {...(maySelect && { isSelected: (it: Frame) => selection.ids.has(it.shot.id) })}
    >
      {(it) => (
        <ShotTile
          frame={it} made={made?.get(it.shot.id) ?? []} href={paths.shootingReview(shootingId, it.shot.id)}
          isSelected={maySelect && selection.ids.has(it.shot.id)} isSelecting={selection.ids.size > 0} onSelect={maySelect ? (isRange) => select(it.shot.id, isRange) : undefined}
        />
      )}
    </TileGrid>
  );
}
