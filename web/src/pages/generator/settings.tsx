import { CircleCheck, Sparkles, TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import type { ReactNode } from "react";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import type { Composition, Fault } from "~/components/composition";
import { useKeymap } from "~/components/keymap";
import { Keys } from "~/components/keys";
import { ErrorPanel } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Select } from "~/ui/field";

const MOST = 8;

interface Props {
  parts: Composition;
  shootingId: string;
  variants: number;
  onVariants: (count: number) => void;
  /** How many shots are chosen. */
  shotCount: number;
  /** How many pictures would be made, and for what; without a value that is being asked. */
  pictures: number | undefined;
  price: string | undefined;
  quoteError: unknown;
  onQuote: () => void;
  /** The chosen looks that something is wrong with. */
  bad: [Look, Fault[]][];
  onLeaveOut: () => void;
  reason: string | false;
  busy: boolean;
  error: unknown;
  onStart: () => void;
  children?: ReactNode;
}

/** How many, for how much, what is in the way, and the button that starts. */
export function Settings({ shootingId, variants, onVariants, shotCount, pictures, price, quoteError, onQuote, bad, onLeaveOut, reason, busy, error, onStart, children }: Props) {
  const keysOf = useKeymap();
  const errors = bad.filter(([, faults]) => faults.some((it) => !it.isWarning));
  return (
    <section aria-label="Settings" className="grid content-start gap-3 rounded-lg border bg-panel p-3">
      <Select label="Pictures of each shot" value={variants} onChange={(it) => onVariants(Number(it.target.value))}>
        <option value={0}>As its shot type says</option>
        {Array.from({ length: MOST }, (_, at) => <option key={at} value={at + 1}>{at + 1}</option>)}
      </Select>
      <dl aria-label="Price" className="grid grid-cols-[1fr_auto] items-baseline gap-y-0.5 border-y py-2">
        <dt className="text-soft">Shots</dt>
        <dd className="text-right tabular-nums">{shotCount}</dd>
        <dt className="text-soft">Pictures</dt>
        <dd className="text-right tabular-nums">{pictures ?? "…"}</dd>
        <dt className="text-soft">Costs at most</dt>
        <dd data-testid="price" className="text-right text-lg font-semibold tabular-nums">{price ?? "…"}</dd>
      </dl>
      {Boolean(quoteError) && <ErrorPanel error={quoteError} onRetry={onQuote} />}
      {bad.length > 0 ? (
        <div role="group" aria-label="Problems" className="grid gap-1.5">
          <ul className="grid gap-1">
            {bad.slice(0, 8).map(([look, faults]) => faults.map((it) => (
              <li key={look.id + it.field} className="flex items-start gap-1.5">
                <TriangleAlert aria-label={it.isWarning ? "Warning" : "Error"} className={`mt-0.5 size-3.5 shrink-0 ${it.isWarning ? "text-warn" : "text-bad"}`} />
                <span>
                  <Link to={it.field === "productId" ? paths.product(look.productId) : paths.looks(shootingId)} className="font-medium underline">{look.name}</Link>: {it.reason}
                </span>
              </li>
            )))}
          </ul>
          {bad.length > 8 && <p className="text-soft">And {bad.length - 8} more.</p>}
          {errors.length > 0 && <Button small onClick={onLeaveOut} className="justify-self-start">Leave out {count(errors.length, "look")}</Button>}
        </div>
      ) : shotCount > 0 && <p className="flex items-center gap-1.5 text-ok"><CircleCheck aria-hidden className="size-3.5" />Nothing is in the way.</p>}
      {error !== undefined && <ErrorPanel error={error} />}
      <Button look="primary" icon={Sparkles} busy={busy} reason={reason} onClick={onStart} className="h-9">
        {pictures ? `Generate ${count(pictures, "picture")}` : "Generate"}
      </Button>
      {reason ? <p className="select-none text-xs text-soft" aria-hidden>{reason}</p> : <p className="flex items-center gap-1.5 text-xs text-soft"><Keys keys={keysOf("Generator.start")} /> starts, too</p>}
      {children}
    </section>
  );
}
