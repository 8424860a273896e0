import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Aperture, CircleCheckBig, Plus, Shirt, UserRound, type LucideIcon } from "lucide-react";
import { Link } from "react-router";
import { productList, subjectList } from "~/api/catalog";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { FAILED, generationsIn, RUNNING } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { Page } from "~/components/page";
import { ShootingCard } from "~/components/shooting-card";
import { ErrorPanel, SkeletonGrid } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { FailureRow, RunningRow } from "./runs";
import { Cards, Section } from "./section";

/** Of each kind at most so many are shown. */
const SHOWN = 8;

export default function Home() {
  const { make, decide } = useRights();
  const shootings = useInfiniteQuery(shootingList());
  const going = useInfiniteQuery(generationsIn(RUNNING)).data?.pages[0]?.generations ?? [];
  const failures = useInfiniteQuery(generationsIn(FAILED)).data?.pages[0]?.generations ?? [];
  if (shootings.error) return <Page title="Home"><ErrorPanel error={shootings.error} onRetry={shootings.refetch} /></Page>;
  if (!shootings.data) return <Page title="Home"><SkeletonGrid what="what waits for you" count={6} className="h-44" /></Page>;

  const all = shootings.data.pages.flatMap((it) => it.shootings);
  const toReview = all.filter((it) => (it.shots?.toReview ?? 0) > 0);
  const approved = all.filter((it) => it.state === Shooting_State.APPROVED);
  const others = all.filter((it) => !toReview.includes(it) && !approved.includes(it));
  const running = going.slice(0, SHOWN);
  const failed = failures.slice(0, 5);
  const nameOf = (id: string) => all.find((it) => it.id === id)?.name ?? "";
  return (
    <Page title="Home" actions={make && <LinkButton to={`${paths.shootings()}?new`} look="primary" icon={Plus}>New shooting</LinkButton>}>
      {all.length === 0 && <FirstSteps />}
      <div className="grid grid-cols-1 gap-6">
        {decide && toReview.length > 0 && (
          <Cards title={`To review: ${count(sum(toReview), "shot")}`} more={paths.review()}>
            {toReview.slice(0, SHOWN).map((it) => <ShootingCard key={it.id} shooting={it} to={paths.shootingReview(it.id)} says={count(it.shots!.toReview, "shot waits", "shots wait")} />)}
          </Cards>
        )}
        {(running.length > 0 || failed.length > 0) && (
          <div className="grid grid-cols-1 gap-x-4 gap-y-6 lg:grid-cols-2">
            {running.length > 0 && (
              <Section title="Being made" more={paths.queue()}>
                {running.map((it) => <RunningRow key={it.id} generation={it} shooting={nameOf(it.shootingId)} />)}
              </Section>
            )}
            {failed.length > 0 && (
              <Section title="Failed" more={`${paths.queue()}?state=failed`}>
                {failed.map((it) => <FailureRow key={it.id} generation={it} shooting={nameOf(it.shootingId)} />)}
              </Section>
            )}
          </div>
        )}
        {approved.length > 0 && (
          <Cards title="Ready to deliver" more={paths.deliver()}>
            {approved.slice(0, SHOWN).map((it) => <ShootingCard key={it.id} shooting={it} to={paths.deliver(it.id)} says={count(it.shots!.approved, "shot approved", "shots approved")} />)}
          </Cards>
        )}
        {others.length > 0 && (
          <Cards title="Shootings" more={paths.shootings()}>
            {others.slice(0, SHOWN).map((it) => <ShootingCard key={it.id} shooting={it} to={paths.shooting(it.id)} says={count(it.lookCount, "look")} />)}
          </Cards>
        )}
      </div>
    </Page>
  );
}

function sum(shootings: Shooting[]): number {
  return shootings.reduce((total, it) => total + (it.shots?.toReview ?? 0), 0);
}

/** What to do in an organization where nothing was done. */
function FirstSteps() {
  const { make } = useRights();
  const products = useInfiniteQuery(productList()).data?.pages[0]?.products.length;
  const subjects = useQuery(subjectList()).data?.length;
  if (!make) return <p className="text-soft">Nothing waits for you. Shootings show up here as soon as there are some.</p>;
  return (
    <ol className="grid gap-3 md:grid-cols-3">
      <Step icon={Shirt} done={Boolean(products)} to={paths.products()} title="Add products">Drop your product photos. Each becomes a product.</Step>
      <Step icon={UserRound} done={Boolean(subjects)} to={paths.subjects()} title="Cast a subject">Describe the person that wears them.</Step>
      <Step icon={Aperture} done={false} to={`${paths.shootings()}?new`} title="Start a shooting">Put both together, see the price, and generate.</Step>
    </ol>
  );
}

function Step({ icon: Icon, title, to, done, children }: { icon: LucideIcon; title: string; to: string; done: boolean; children: string }) {
  return (
    <li>
      <Link to={to} className="group grid h-full content-start gap-1 rounded-lg border bg-panel p-4 hover:border-edge">
        <Icon aria-hidden className="size-5 text-soft" strokeWidth={1.5} />
        <span className="mt-1 flex items-center gap-2 text-base font-medium group-hover:underline">
          {title}
          {done && <CircleCheckBig aria-label="Done" className="size-4 text-ok" />}
        </span>
        <span className="text-soft">{children}</span>
      </Link>
    </li>
  );
}
