import { GarmentKind, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { Input, Select, TextArea } from "~/ui/field";

export interface ProductDraft { name: string; sku: string; brand: string; colour: string; garmentKind: GarmentKind; description: string }
export const NO_PRODUCT: ProductDraft = { name: "", sku: "", brand: "", colour: "", garmentKind: GarmentKind.UNSPECIFIED, description: "" };

export function draftOf({ name, sku, brand, colour, garmentKind, description }: Product): ProductDraft {
  return { name, sku, brand, colour, garmentKind, description };
}

const KINDS: [GarmentKind, string][] = [
  [GarmentKind.UNSPECIFIED, "Not said"], [GarmentKind.UPPER, "Upper body"], [GarmentKind.LOWER, "Lower body"],
  [GarmentKind.FULL_BODY, "Whole body"], [GarmentKind.OUTER, "Over the rest"], [GarmentKind.ACCESSORY, "Accessory"],
];

interface FieldsProps { value: ProductDraft; onChange: (next: ProductDraft) => void; fieldError: (name: string) => string | undefined }

export function ProductFields({ value, onChange, fieldError }: FieldsProps) {
  const text = (field: Exclude<keyof ProductDraft, "garmentKind">) => ({
    value: value[field],
    error: fieldError(field),
    onChange: (event: { target: { value: string } }) => onChange({ ...value, [field]: event.target.value }),
  });
  return (
    <>
      <Input label="Name" required maxLength={120} {...text("name")} />
      <Input label="SKU" maxLength={64} hint="As your shop writes it. Photos are matched by it." {...text("sku")} />
      <div className="grid grid-cols-2 gap-3">
        <Input label="Brand" maxLength={80} {...text("brand")} />
        <Input label="Colour" maxLength={80} {...text("colour")} />
      </div>
      <Select label="Kind" value={value.garmentKind} onChange={(it) => onChange({ ...value, garmentKind: Number(it.target.value) })} error={fieldError("garmentKind")}>
        {KINDS.map(([kind, name]) => <option key={kind} value={kind}>{name}</option>)}
      </Select>
      <TextArea label="Description" maxLength={2000} hint="What it is made of and looks like. Pictures are made from these words, too." {...text("description")} />
    </>
  );
}
