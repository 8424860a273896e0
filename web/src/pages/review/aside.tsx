import { useQuery } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { Link } from "react-router";
import type { Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import type { Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { generationQuery } from "~/api/generation";
import { memberList } from "~/api/identity";
import { mediaQuery } from "~/api/media";
import { Picture } from "~/components/picture";
import { ago, money, words } from "~/lib/format";
import { ProductPhoto_Slot } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { paths } from "~/paths";
import { Badge } from "~/ui/badge";
import { DECISIONS, reasonWord } from "./words";

interface AsideProps { product: Product | undefined; prediction: Prediction | undefined; decisions: Decision[]; photo: string; onPhoto: (mediaId: string) => void }

/** Beside the picture, where there is room. */
export function Aside(props: AsideProps) {
  return (
    <aside aria-label="About the shot" className="overflow-y-auto border-l bg-panel p-3 max-lg:hidden lg:w-64 lg:shrink-0">
      <About {...props} />
    </aside>
  );
}

/** The product as it is, what made the picture, and what was decided. */
export function About({ product, prediction, decisions, photo, onPhoto }: AsideProps) {
  return (
    <div className="grid grid-cols-1 content-start gap-4">
      {product && (
        <section aria-label="Product">
          <Picture mediaId={photo} alt={`Product photo of ${product.name}`} edge={512} fit="contain" className="aspect-[4/5] w-full rounded-md" />
          {product.photos.length > 1 && (
            <ul className="mt-1.5 flex gap-1 overflow-x-auto">
              {product.photos.map((it) => (
                <li key={it.mediaId}>
                  <button type="button" aria-pressed={it.mediaId === photo} aria-label={`Product photo: ${words(ProductPhoto_Slot[it.slot])}`} onClick={() => onPhoto(it.mediaId)} className="block overflow-hidden rounded-sm border-2 border-transparent aria-pressed:border-accent">
                    <Picture mediaId={it.mediaId} alt="" edge={256} className="h-11 w-9" />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <p className="mt-1 font-medium"><Link to={paths.product(product.id)} title={product.name} className="flex min-h-6 items-center hover:underline"><span className="truncate">{product.name}</span></Link></p>
          <p className="truncate text-xs text-soft">{[product.sku, product.colour].filter(Boolean).join(" · ")}</p>
        </section>
      )}
      {prediction && <Origin prediction={prediction} />}
      <History decisions={decisions} />
    </div>
  );
}

function Origin({ prediction }: { prediction: Prediction }) {
  const generation = useQuery(generationQuery(prediction.generationId)).data?.generation;
  const media = useQuery(mediaQuery(prediction.mediaId)).data;
  const facts: [string, string][] = [
    ["Size", media ? `${media.widthPx} × ${media.heightPx}` : ""],
    ["Made by", [prediction.provider, prediction.model].filter(Boolean).join(", ")],
    ["Seed", prediction.seed ? String(prediction.seed) : ""],
    ["Cost", prediction.cost ? money(prediction.cost) : ""],
    ["Made", ago(prediction.readyTime)],
  ];
  return (
    <section aria-label="Picture">
      {generation?.note && <p className="mb-2 rounded-md bg-tint px-2 py-1.5 text-xs"><span className="font-medium">Revision:</span> {generation.note}</p>}
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
        {facts.filter(([, it]) => it !== "").map(([name, value]) => (
          <div key={name} className="contents"><dt className="text-soft">{name}</dt><dd className="truncate" title={value}>{value}</dd></div>
        ))}
      </dl>
    </section>
  );
}

/** Who decided what, and when, and why. */
function History({ decisions }: { decisions: Decision[] }) {
  const members = useQuery(memberList()).data;
  return (
    <section aria-label="Decisions">
      <h2 className="mb-1 text-xs font-medium text-soft">Decisions</h2>
      {decisions.length === 0 && <p className="text-xs text-soft">Nobody decided about this shot yet.</p>}
      <ol className="grid gap-2">
        {decisions.map((it) => {
          const [word, icon, tone] = DECISIONS[it.kind];
          const why = [reasonWord(it.reason), it.note].filter(Boolean).join(": ");
          return (
            <li key={it.id} className="text-xs">
              <span className="flex flex-wrap items-center gap-x-2">
                <Badge icon={icon} tone={it.undoTime ? "plain" : tone}>{it.undoTime ? <s>{word}</s> : word}</Badge>
                {it.undoTime && <Badge icon={Undo2}>Undone</Badge>}
              </span>
              <span className="block text-soft">{members?.find((other) => other.userId === it.userId)?.name ?? "Somebody"}, {ago(it.createTime)}</span>
              {why && <span className="block break-words">{why}</span>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
