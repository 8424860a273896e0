import { useInfiniteQuery } from "@tanstack/react-query";
import { Aperture, Plus } from "lucide-react";
import { Shooting_State } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { generationsIn, RUNNING } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { CARDS, ShootingCard } from "~/components/shooting-card";
import { shotTotal } from "~/components/stages";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";

/** Which shooting to generate for: those that still have planned shots first. */
export function Chooser() {
  const list = useInfiniteQuery(shootingList());
  const runs = useInfiniteQuery(generationsIn(RUNNING)).data?.pages.flatMap((it) => it.generations) ?? [];
  const { make } = useRights();
  const all = list.data?.pages.flatMap((it) => it.shootings).filter((it) => it.state !== Shooting_State.ARCHIVED) ?? [];
  const sorted = [...all].sort((one, other) => Number(Boolean(other.shots?.planned)) - Number(Boolean(one.shots?.planned)));
  return (
    <Page title="Generator">
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonGrid what="the shootings" count={6} className="h-44" />}
      {list.data && all.length === 0 && (
        <Empty icon={Aperture} title="No shootings yet" action={make && <LinkButton to={`${paths.shootings()}?new`} look="primary" icon={Plus}>New shooting</LinkButton>}>
          Pictures are generated for the shots of a shooting. Create one first.
        </Empty>
      )}
      {all.length > 0 && <p className="mb-2 text-soft">Choose the shooting to generate for.</p>}
      <ul className={CARDS}>
        {sorted.map((it) => {
          const running = runs.filter((run) => run.shootingId === it.id).length;
          const says = `${it.shots?.planned ?? 0} of ${count(shotTotal(it.shots), "shot")} planned${running > 0 ? ` · ${running} being made` : ""}`;
          return <li key={it.id}><ShootingCard shooting={it} to={paths.generate(it.id)} says={says} /></li>;
        })}
      </ul>
      <EndOfList list={list} />
    </Page>
  );
}
