import { useQueries } from "@tanstack/react-query";
import { Aperture, Plus } from "lucide-react";
import { useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { Shooting_State } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { quoteQuery } from "~/api/generation";
import { useRights } from "~/api/identity";
import { useComposition, type Composition } from "~/components/composition";
import { useOnline } from "~/components/connection";
import { ShootingFrame } from "~/components/shooting-frame";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { cx } from "~/lib/cx";
import { money } from "~/lib/format";
import { total } from "~/lib/money";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { CompositionPanel } from "./composition";
import { History } from "./history";
import { isRunning, useArrivals, useRuns } from "./runs";
import { Settings } from "./settings";
import { chunks, useStart } from "./start";
import { Tiles } from "./tiles";

export function Workbench({ shootingId }: { shootingId: string }) {
  const { data: parts, error, refetch } = useComposition(shootingId);
  useArrivals();
  return (
    <ShootingFrame page="Generate">
      {({ state }) => {
        if (error) return <ErrorPanel error={error} onRetry={refetch} />;
        if (!parts) return <SkeletonGrid what="the shots" />;
        if (parts.looks.length === 0) {
          return (
            <Empty icon={Aperture} title="No looks yet" action={<LinkButton to={`${paths.looks(shootingId)}?add`} look="primary" icon={Plus}>Add looks</LinkButton>}>
              Pictures are made for the shots of looks. Compose some first.
            </Empty>
          );
        }
        return <Bench parts={parts} shootingId={shootingId} isArchived={state === Shooting_State.ARCHIVED} />;
      }}
    </ShootingFrame>
  );
}

function Bench({ parts, shootingId, isArchived }: { parts: Composition; shootingId: string; isArchived: boolean }) {
  const { make } = useRights();
  const isOnline = useOnline();
  const tiles = useRef<HTMLDivElement>(null);
  const [params, setParams] = useSearchParams();
  const variants = Math.min(8, Math.max(0, Number(params.get("variants")) || 0));
  const [chosen, setChosen] = useState<ReadonlySet<string>>();
  const runs = useRuns(shootingId);

  const isBusy = (shot: Shot) => shot.state === Shot_State.GENERATING || isRunning(runs.latest.get(shot.id));
  const lookOf = (shot: Shot) => parts.looks.find((it) => it.id === shot.lookId);
  const picks = parts.shots.filter((it) => !isBusy(it) && (chosen ? chosen.has(it.id) : it.state === Shot_State.PLANNED));
  const picked = new Set(picks.map((it) => it.id));
  const bad = parts.looks.filter((look) => picks.some((it) => it.lookId === look.id)).map((look) => [look, parts.faults(look)] as const).filter(([, faults]) => faults.length > 0);
  const isBad = (lookId: string | undefined) => bad.some(([look, faults]) => look.id === lookId && faults.some((it) => !it.isWarning));
  const good = picks.filter((it) => !isBad(lookOf(it)?.id)).map((it) => it.id);
  const errors = picks.length - good.length;

  const quotes = useQueries({ queries: chunks(good).map((ids) => quoteQuery(ids, variants)) });
  const quoteError = quotes.find((it) => it.error)?.error;
  const isQuoted = quotes.every((it) => it.data);
  const quoted = quotes.flatMap((it) => it.data?.quotes ?? []);
  const pictures = isQuoted ? quoted.reduce((sum, it) => sum + it.variantCount, 0) : undefined;

  const form = useStart(shootingId, () => {
    setChosen(undefined);
    // Where there is little room, the pictures stand elsewhere than what started them.
    const box = tiles.current?.getBoundingClientRect();
    if (box && (box.top > window.innerHeight * 0.7 || box.bottom < 0)) tiles.current?.scrollIntoView({ block: "start", behavior: "smooth" });
  });
  // What was refused for one shot is said with the name of its look.
  const refused = Object.entries(form.problem?.fields ?? {}).map(([path, text]) => {
    const shot = parts.shots.find((it) => it.id === form.shotIds[Number(/\[(\d+)\]/.exec(path)?.[1] ?? -1)]);
    return `${(shot && lookOf(shot)?.name) ?? "A shot"}: ${text}`;
  });
  const reason =
    (!make && "Editors may generate.") || (isArchived && "Bring the shooting back first.") || (!isOnline && "You are offline.") ||
    (picks.length === 0 && "Choose shots.") || (errors > 0 && "Mend the problems first, or leave them out.") ||
    (quoteError !== undefined && quoteError !== null && "The price is not known.") || (!isQuoted && "The price is being asked.");
  const start = () => {
    if (!reason && !form.busy) form.start(variants, quoted.map((it) => [it.shotId, it.variantCount]));
  };
  useShortcuts("Generator", make ? { start } : {});
  const isAnyRunning = form.busy || [...runs.latest.values()].some(isRunning);
  const leaveOut = () => setChosen(new Set(good));
  return (
    <>
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-[15rem_minmax(0,1fr)] xl:grid-cols-[17rem_minmax(0,1fr)_16rem]">
        <CompositionPanel parts={parts} picked={picked} isBusy={isBusy} onPick={setChosen} />
        <div className="lg:col-start-2 xl:col-start-3 xl:row-start-1">
          <Settings
            parts={parts}
            shootingId={shootingId}
            variants={variants}
            onVariants={(it) => setParams((before) => { if (it) before.set("variants", String(it)); else before.delete("variants"); return before; }, { replace: true })}
            shotCount={good.length}
            pictures={pictures}
            price={isQuoted ? money(total(quotes.map((it) => it.data?.total))) : undefined}
            quoteError={quoteError}
            onQuote={() => quotes.forEach((it) => it.error && void it.refetch())}
            bad={bad.map(([look, faults]) => [look, faults])}
            onLeaveOut={leaveOut}
            reason={reason}
            busy={form.busy}
            error={refused.length > 0 ? undefined : form.error}
            onStart={start}
          >
            {refused.length > 0 && <ul role="alert" className="grid gap-1 text-bad">{refused.map((it) => <li key={it}>{it}</li>)}</ul>}
          </Settings>
        </div>
        <div ref={tiles} className={cx("min-w-0 scroll-mt-3 lg:col-start-2 xl:row-start-1", isAnyRunning && "max-lg:order-first")}>
          <Tiles parts={parts} runs={runs} starting={form.starting} canStop={make} />
        </div>
      </div>
      {runs.all.length > 0 && <History runs={runs.all} parts={parts} />}
    </>
  );
}
