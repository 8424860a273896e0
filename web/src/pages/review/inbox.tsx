import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import { Link } from "react-router";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { predictionList } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingList, shotList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { ShootingBadge } from "~/components/states";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { waits, isReady } from "./reel";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";

const made = ({ shots }: Shooting) => (shots?.toReview ?? 0) + (shots?.approved ?? 0) + (shots?.rejected ?? 0) + (shots?.revisionRequested ?? 0) + (shots?.generating ?? 0);

export default function Inbox() {
  const list = useInfiniteQuery(shootingList());
  const { decide } = useRights();
  const all = list.data?.pages.flatMap((it) => it.shootings) ?? [];
  const waiting = all.filter((it) => (it.shots?.toReview ?? 0) > 0);
  const others = all.filter((it) => !waiting.includes(it) && made(it) > 0);
  const total = waiting.reduce((sum, it) => sum + (it.shots?.toReview ?? 0), 0);
  return (
    <Page title="Review" aside={total > 0 && <span className="text-soft">{count(total, "shot waits", "shots wait")} for a decision</span>}>
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonGrid what="what waits for you" count={6} />}
      {list.data && waiting.length + others.length === 0 && (
        <Empty icon={CircleCheckBig} title="Nothing to review" action={<LinkButton to={paths.shootings()}>Go to shootings</LinkButton>}>
          Shootings show up here as soon as their first pictures are made.
        </Empty>
      )}
      {waiting.length > 0 && <Group title={decide ? "Waiting for you" : "Waiting for a decision"} shootings={waiting} />}
      {others.length > 0 && <Group title={waiting.length > 0 ? "In the making, or decided" : "Nothing waits"} shootings={others} />}
      <EndOfList list={list} />
    </Page>
  );
}

function Group({ title, shootings }: { title: string; shootings: Shooting[] }) {
  return (
    <section aria-label={title} className="mb-6">
      <h2 className="mb-1.5 font-semibold">{title}</h2>
      <ul className="grid gap-3 [grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))]">
        {shootings.map((it) => <li key={it.id}><Card shooting={it} /></li>)}
      </ul>
    </section>
  );
}

function Card({ shooting }: { shooting: Shooting }) {
  const shots = useQuery(shotList(shooting.id)).data;
  const shown = shots?.filter((it) => it.generationId !== "").sort((one, other) => Number(waits({ shot: other, look: undefined, title: "" })) - Number(waits({ shot: one, look: undefined, title: "" }))).slice(0, 4) ?? [];
  const { toReview = 0, approved = 0 } = shooting.shots ?? {};
  const total = made(shooting) + (shooting.shots?.planned ?? 0);
  return (
    <Link to={paths.shootingReview(shooting.id)} className="group block overflow-hidden rounded-lg border bg-panel hover:border-edge">
      <span className="grid grid-cols-4 gap-px bg-line">
        {Array.from({ length: 4 }, (_, index) => <Cover key={index} shotId={shown[index]?.id ?? ""} isMaking={shown[index]?.state === Shot_State.GENERATING} />)}
      </span>
      <span className="block px-3 py-2">
        <span className="flex items-center gap-2">
          <span className="min-w-0 flex-1 truncate font-medium group-hover:underline">{shooting.name}</span>
          <ShootingBadge state={shooting.state} />
        </span>
        <span className="mt-0.5 block text-xs text-soft">{toReview > 0 ? count(toReview, "shot waits", "shots wait") : "Nothing waits"} · {approved} of {total} approved</span>
        <Progress label={`${shooting.name}: approved`} value={total > 0 ? (approved / total) * 100 : 0} className="mt-1.5" />
      </span>
    </Link>
  );
}

function Cover({ shotId, isMaking }: { shotId: string; isMaking: boolean }) {
  const mediaId = useQuery({ ...predictionList(shotId), enabled: shotId !== "" && !isMaking }).data?.find(isReady)?.mediaId;
  return <span className="block aspect-[4/5] bg-sunken">{mediaId && <Picture mediaId={mediaId} alt="" edge={256} className="size-full" />}</span>;
}
