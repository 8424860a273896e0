import { Link } from "react-router";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { useProgress } from "~/api/progress";
import { Picture } from "~/components/picture";
import { GenerationBadge } from "~/components/states";
import { paths } from "~/paths";
import { Progress } from "~/ui/progress";

interface RunProps { generation: Generation; shooting: string }

export function RunningRow({ generation, shooting }: RunProps) {
  const { configuration, requestedCount, readyCount, failedCount } = generation;
  const told = Object.values(useProgress(generation.id));
  // What the stream tells is newer than what was read; a bar never goes back.
  const live = told.reduce((sum, it) => sum + (it.percent ?? 0), (readyCount + failedCount) * 100) / Math.max(1, requestedCount);
  const percent = Math.max(generation.progressPercent, Math.min(99, live));
  return (
    <li>
      <Link to={paths.generate(generation.shootingId)} className="flex items-center gap-3 px-3 py-1.5 hover:bg-hover">
        <Picture mediaId={configuration?.productMediaId ?? ""} alt="" edge={256} className="size-9 shrink-0 rounded-sm" />
        <span className="min-w-0 flex-1">
          <span className="flex items-baseline gap-2">
            <span className="min-w-0 truncate font-medium">{configuration?.productName}</span>
            <span className="min-w-0 truncate text-xs text-soft">{shooting}</span>
          </span>
          <Progress label={`${configuration?.productName ?? "Picture"}: made so far`} value={percent} className="mt-1" />
        </span>
        <span className="shrink-0 text-xs tabular-nums text-soft">{readyCount} of {requestedCount}</span>
        <span className="w-24 shrink-0 max-sm:hidden"><GenerationBadge state={generation.state} /></span>
      </Link>
    </li>
  );
}

export function FailureRow({ generation: { configuration, error, shootingId }, shooting }: RunProps) {
  return (
    <li>
      <Link to={paths.generate(shootingId)} title={error?.message} className="flex min-h-10 items-center gap-3 px-3 py-1.5 hover:bg-hover">
        <Picture mediaId={configuration?.productMediaId ?? ""} alt="" edge={256} className="size-9 shrink-0 rounded-sm" />
        <span className="min-w-0 flex-1">
          <span className="block truncate font-medium">{configuration?.productName} <span className="text-xs font-normal text-soft">{shooting}</span></span>
          <span className="block truncate text-xs text-bad">{error?.message ?? "It failed."}</span>
        </span>
      </Link>
    </li>
  );
}
