import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Picture } from "~/components/picture";
import { ShootingBadge } from "~/components/states";
import { ago } from "~/lib/format";

export function Section({ title, more, children }: { title: string; more?: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <header className="mb-1.5 flex items-baseline justify-between">
        <h2 className="font-semibold">{title}</h2>
        {more && <Link to={more} className="text-xs text-accent hover:underline" aria-label={`All of: ${title}`}>All</Link>}
      </header>
      <ul className="divide-y overflow-hidden rounded-lg border bg-panel">{children}</ul>
    </section>
  );
}

/** A shooting, with the product photos of what was generated for it lately. */
export function ShootingRow({ shooting, to, says, photos }: { shooting: Shooting; to: string; says: string; photos: string[] }) {
  return (
    <li>
      <Link to={to} className="flex min-h-11 items-center gap-3 px-3 py-1.5 hover:bg-hover">
        {photos.length > 0 && (
          <span className="flex shrink-0 gap-0.5">
            {photos.map((it) => <Picture key={it} mediaId={it} alt="" edge={256} className="h-10 w-8 rounded-sm" />)}
          </span>
        )}
        <span className="min-w-0 flex-1 truncate font-medium">{shooting.name}</span>
        <span className="shrink-0 text-soft">{says}</span>
        <span className="w-28 shrink-0 max-sm:hidden"><ShootingBadge state={shooting.state} /></span>
        <span className="w-20 shrink-0 text-right text-xs text-soft max-sm:hidden">{ago(shooting.updateTime)}</span>
        <ChevronRight aria-hidden className="size-4 shrink-0 text-soft" />
      </Link>
    </li>
  );
}
