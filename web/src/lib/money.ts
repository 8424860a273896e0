import { create } from "@bufbuild/protobuf";
import { MoneySchema, type Money } from "~/api/gen/sartiq/type/v1/money_pb";

/** The sum of what is known of `values`. */
export function total(values: (Money | undefined)[]): Money {
  const known = values.filter((it) => it !== undefined);
  const currency = known.find((it) => it.currency)?.currency ?? "USD";
  return create(MoneySchema, { currency, micros: known.reduce((sum, it) => sum + it.micros, 0n) });
}
