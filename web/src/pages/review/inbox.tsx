import { useInfiniteQuery } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { CARDS, isBegun, ShootingCard } from "~/components/shooting-card";
import { shotTotal } from "~/components/stages";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";

export default function Inbox() {
  const list = useInfiniteQuery(shootingList());
  const { decide } = useRights();
  const all = list.data?.pages.flatMap((it) => it.shootings) ?? [];
  const waiting = all.filter((it) => (it.shots?.toReview ?? 0) > 0);
  const others = all.filter((it) => !waiting.includes(it) && isBegun(it));
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

function saying(shooting: Shooting): string {
  const { toReview = 0, approved = 0 } = shooting.shots ?? {};
  return `${toReview > 0 ? count(toReview, "shot waits", "shots wait") : "Nothing waits"} · ${approved} of ${shotTotal(shooting.shots)} approved`;
}

function Group({ title, shootings }: { title: string; shootings: Shooting[] }) {
  return (
    <section aria-label={title} className="mb-6">
      <h2 className="mb-1.5 font-semibold">{title}</h2>
      <ul className={CARDS}>
        {shootings.map((it) => <li key={it.id}><ShootingCard shooting={it} to={paths.shootingReview(it.id)} says={saying(it)} /></li>)}
      </ul>
    </section>
  );
}
