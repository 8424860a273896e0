import { Link } from "react-router";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import type { Composition } from "~/components/composition";
import { GenerationBadge } from "~/components/states";
import { ago, money } from "~/lib/format";
import { paths } from "~/paths";
import { Table, type Column } from "~/ui/table";

/** All runs of the shooting, newest first, with what they were expected to cost and what they cost. */
export function History({ runs, parts }: { runs: Generation[]; parts: Composition }) {
  const typeOf = (it: Generation) => parts.shotTypes.get(it.configuration?.shotTypeId ?? "")?.name ?? "";
  const columns: Column<Generation>[] = [
    { title: "Started", cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.createTime)}</span> },
    { title: "What", cell: (it) => <Link to={paths.shootingReview(it.shootingId, it.shotId)} className="whitespace-nowrap hover:underline">{it.configuration?.productName}, {typeOf(it)}{it.note && <span className="text-soft"> “{it.note}”</span>}</Link> },
    { title: "State", clear: true, cell: (it) => <span title={it.error?.message}><GenerationBadge state={it.state} /></span> },
    { title: "Ready", end: true, cell: (it) => `${it.readyCount} of ${it.requestedCount}` },
    { title: "Expected", end: true, cell: (it) => money(it.quotedCost) },
    { title: "Cost", end: true, cell: (it) => money(it.cost) },
    { title: "", end: true, cell: (it) => <Link to={paths.run(it.id)} className="text-xs text-accent hover:underline" aria-label={`Run of ${it.configuration?.productName}, ${typeOf(it)}`}>Run</Link> },
  ];
  return (
    <details className="mt-6">
      <summary className="min-h-6 font-semibold">History <span className="font-normal text-soft">{runs.length} {runs.length === 1 ? "run" : "runs"}</span></summary>
      <div className="mt-2"><Table label="History" columns={columns} rows={runs} rowKey={(it) => it.id} /></div>
    </details>
  );
}
