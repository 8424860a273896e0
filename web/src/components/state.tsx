import { Check, Copy, RotateCw, SearchX, TriangleAlert, type LucideIcon } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import { problemOf } from "~/api/errors";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";

/** The shape of what is loading. After ten seconds it says what is slow. */
export function Loading({ what, children }: { what: string; children: ReactNode }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 10_000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={`Loading ${what}`}>
      {isSlow && <p className="mb-2 text-soft">Loading {what} takes longer than usual. It goes on.</p>}
      <div aria-hidden>{children}</div>
    </div>
  );
}

export const SkeletonGrid = ({ what, count = 12, className = "aspect-[4/5]" }: { what: string; count?: number; className?: string }) => (
  <Loading what={what}>
    <div className="grid grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))] gap-3">
      {Array.from({ length: count }, (_, index) => <div key={index} className={`skeleton ${className}`} />)}
    </div>
  </Loading>
);

export const SkeletonRows = ({ what, count = 8 }: { what: string; count?: number }) => (
  <Loading what={what}>
    <div className="grid gap-1.5">
      {Array.from({ length: count }, (_, index) => <div key={index} className="skeleton h-8" />)}
    </div>
  </Loading>
);

/** Nothing is there yet: one sentence, and what to do. */
export function Empty({ icon: Icon, title, children, action }: { icon: LucideIcon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="grid place-items-center gap-2 rounded-lg border border-dashed px-6 py-14 text-center max-sm:py-10">
      <Icon aria-hidden className="size-7 text-soft" strokeWidth={1.5} />
      <h2 className="text-base font-medium">{title}</h2>
      {children && <p className="max-w-prose text-soft">{children}</p>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** A search or filter that nothing fits. */
export function NoMatch({ filters, onClear }: { filters: string; onClear: () => void }) {
  return (
    <Empty icon={SearchX} title="Nothing fits" action={<Button onClick={onClear}>Clear</Button>}>
      Shown is only what fits {filters}.
    </Empty>
  );
}

/** What went wrong, why, what to do, and the request id to tell whoever is asked for help. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = problemOf(error);
  if (problem.isNotFound) return <NotFound />;
  return (
    <div role="alert" className="flex max-w-3xl flex-wrap items-start gap-x-3 gap-y-2 rounded-lg border border-bad/40 bg-panel px-4 py-3">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium">{problem.message}</p>
        {problem.hint && <p className="text-soft">{problem.hint}</p>}
        {problem.requestId && <RequestId id={problem.requestId} />}
      </div>
      {onRetry && <Button small icon={RotateCw} onClick={onRetry}>Try again</Button>}
    </div>
  );
}

export function RequestId({ id }: { id: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard?.writeText(id).then(() => setCopied(true));
  return (
    <button type="button" onClick={copy} className="mt-1 inline-flex min-h-6 max-w-full items-center gap-1 text-xs text-soft hover:text-ink" title="Copy the request id">
      {isCopied ? <Check aria-hidden className="size-3" /> : <Copy aria-hidden className="size-3" />}
      <span className="truncate" title={id}>Request <code>{id}</code></span>
      <span role="status" className="sr-only">{isCopied ? "Copied" : ""}</span>
    </button>
  );
}

/** The same for what never was and for what is another organization's. */
export function NotFound() {
  return (
    <Empty icon={SearchX} title="Not found" action={<LinkButton to={paths.home()} look="primary">Go home</LinkButton>}>
      There is nothing here, or it belongs to an organization that you are not in.
    </Empty>
  );
}
