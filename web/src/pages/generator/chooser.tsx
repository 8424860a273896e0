import { useInfiniteQuery } from "@tanstack/react-query";
import { Aperture, ChevronRight, Plus } from "lucide-react";
import { Link } from "react-router";
import { Shooting_State } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { generationList } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { shotTotal, StageBar } from "~/components/stages";
import { Empty, ErrorPanel, SkeletonRows } from "~/components/state";
import { ShootingBadge } from "~/components/states";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { isRunning } from "./runs";

/** Which shooting to generate for: those that still have planned shots first. */
export function Chooser() {
  const list = useInfiniteQuery(shootingList());
  const runs = useInfiniteQuery(generationList()).data?.pages.flatMap((it) => it.generations) ?? [];
  const { make } = useRights();
  const all = list.data?.pages.flatMap((it) => it.shootings).filter((it) => it.state !== Shooting_State.ARCHIVED) ?? [];
  const sorted = [...all].sort((one, other) => Number(Boolean(other.shots?.planned)) - Number(Boolean(one.shots?.planned)));
  return (
    <Page title="Generator">
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonRows what="the shootings" />}
      {list.data && all.length === 0 && (
        <Empty icon={Aperture} title="No shootings yet" action={make && <LinkButton to={`${paths.shootings()}?new`} look="primary" icon={Plus}>New shooting</LinkButton>}>
          Pictures are generated for the shots of a shooting. Create one first.
        </Empty>
      )}
      {all.length > 0 && <p className="mb-2 text-soft">Choose the shooting to generate for.</p>}
      <ul className="grid gap-2 xl:grid-cols-2">
        {sorted.map((it) => {
          const own = runs.filter((run) => run.shootingId === it.id);
          const running = own.filter(isRunning).length;
          const photos = [...new Set(own.map((run) => run.configuration?.productMediaId ?? ""))].filter(Boolean).slice(0, 4);
          return (
            <li key={it.id}>
              <Link to={paths.generate(it.id)} className="flex min-h-14 items-center gap-3 rounded-lg border bg-panel px-3 py-2 hover:border-edge">
                <span className="min-w-0 flex-1">
                  <span className="flex flex-wrap items-center gap-x-2"><span className="truncate font-medium">{it.name}</span><ShootingBadge state={it.state} /></span>
                  <span className="block text-xs text-soft">
                    {count(it.lookCount, "look")} · {it.shots?.planned ?? 0} of {count(shotTotal(it.shots), "shot")} planned{running > 0 && ` · ${running} being made`}
                  </span>
                  <StageBar shots={it.shots} className="mt-1.5" />
                </span>
                <span className="flex shrink-0 gap-0.5 max-sm:hidden">{photos.map((id) => <Picture key={id} mediaId={id} alt="" edge={256} className="h-11 w-9 rounded-sm" />)}</span>
                <ChevronRight aria-hidden className="size-4 shrink-0 text-soft" />
              </Link>
            </li>
          );
        })}
      </ul>
      <EndOfList list={list} />
    </Page>
  );
}
