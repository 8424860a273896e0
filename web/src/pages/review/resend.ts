import { cache } from "~/api/cache";
import { keys } from "~/api/keys";
import { grouped } from "~/lib/grouped";
import { report } from "./bulk";
import { refused } from "./decisions";
import { lineUp } from "./lines";
import type { Outcome } from "./send";
import { unsent, type Unsent } from "./unsent";
import { DECISIONS } from "./words";

/** What a reload has cut off is sent again, in the order in which it was decided. */
for (const record of unsent()) void lineUp(record).then((outcomes) => tell(record, outcomes));

function tell(record: Unsent, outcomes: Outcome[]): void {
  const { shootingId } = record;
  for (const queryKey of [keys.shots(shootingId), ...outcomes.map((it) => keys.decisions(it.shotId))]) void cache.invalidateQueries({ queryKey });
  const failed = outcomes.filter((it) => it.error && !it.isDropped);
  if (failed.length === 0) return;
  if (!("entries" in record)) return refused(failed[0]!.error, `“${record.title}” is as it was.`);
  const word = record.isUndo ? "undone" : DECISIONS[record.entries[0]!.kind][0].toLowerCase();
  report(word, shootingId, outcomes, grouped(record.entries, (it) => it.shotId));
}
