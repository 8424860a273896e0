import { useQueries, useQuery } from "@tanstack/react-query";
import { problemOf } from "~/api/errors";
import { productQuery, shotTypeList, styleList, subjectList } from "~/api/catalog";
import { Product_State, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import type { Style } from "~/api/gen/sartiq/catalog/v1/style_pb";
import type { Subject } from "~/api/gen/sartiq/catalog/v1/subject_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { lookList, shotList } from "~/api/shooting";
import { frontOf } from "./pickers";

/** The fields of a look that can be at fault. */
export type Field = "productId" | "subjectId" | "styleId" | "guidelineIds" | "shotTypeIds";

/** What is wrong with a look. */
export interface Fault {
  field: Field;
  reason: string;
  /** Pictures can be made nevertheless. */
  isWarning: boolean;
}

/** A shooting with everything that it is composed of. */
export interface Composition {
  looks: Look[];
  shots: Shot[];
  products: Map<string, Product>;
  subjects: Map<string, Subject>;
  styles: Map<string, Style>;
  shotTypes: Map<string, ShotType>;
  faults: (look: Look) => Fault[];
}

const byId = <T extends { id: string }>(items: T[] = []) => new Map(items.map((it) => [it.id, it]));

/** Reads a shooting's composition. `isHeld` lets it not be read afresh while changes are on their way. */
export function useComposition(shootingId: string, isHeld = false) {
  const looks = useQuery({ ...lookList(shootingId), enabled: !isHeld });
  const shots = useQuery({ ...shotList(shootingId), enabled: !isHeld });
  const subjects = useQuery(subjectList());
  const styles = useQuery(styleList());
  const shotTypes = useQuery(shotTypeList());
  const ids = [...new Set(looks.data?.map((it) => it.productId))];
  const found = useQueries({ queries: ids.map((id) => productQuery(id)) });
  const all = [looks, shots, subjects, styles, shotTypes];
  const error = all.find((it) => it.error && !it.data)?.error;
  const refetch = () => all.forEach((it) => it.error && void it.refetch());
  if (!looks.data || !shots.data || !shotTypes.data || !subjects.data || !styles.data) return { data: undefined, error, refetch };

  const products = byId(found.flatMap((it) => it.data ?? []));
  const missing = new Map(ids.flatMap((id, at) => (found[at]?.error ? [[id, problemOf(found[at].error).message] as const] : [])));
  const known = { products, subjects: byId(subjects.data), styles: byId(styles.data), shotTypes: byId(shotTypes.data) };
  const faults = (look: Look): Fault[] => {
    const result: Fault[] = [];
    const fault = (field: Field, reason: string, isWarning = false) => result.push({ field, reason, isWarning });
    const product = products.get(look.productId);
    if (missing.has(look.productId)) fault("productId", missing.get(look.productId) || "The product cannot be read.");
    if (product && !frontOf(product)) fault("productId", "No front photo");
    if (product?.state === Product_State.ARCHIVED) fault("productId", "The product is archived", true);
    if (!known.subjects.has(look.subjectId)) fault("subjectId", "Choose a subject");
    if (!known.styles.has(look.styleId)) fault("styleId", "Choose a style");
    return result;
  };
  return { data: { looks: looks.data, shots: shots.data, ...known, faults } satisfies Composition, error: undefined, refetch };
}
