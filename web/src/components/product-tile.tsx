import { Archive, ImageOff } from "lucide-react";
import { Link } from "react-router";
import { Product_State, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { paths } from "~/paths";
import { Badge } from "~/ui/badge";
import { Picture } from "./picture";
import { frontOf } from "./pickers";

export function ProductTile({ product }: { product: Product }) {
  const front = frontOf(product);
  return (
    <Link to={paths.product(product.id)} data-tile title={product.name} className="group block overflow-hidden rounded-lg border bg-panel hover:border-edge">
      <div className="relative">
        <Picture mediaId={front} alt="" edge={512} fit="contain" className="aspect-[4/5]" />
        <span className="absolute bottom-1.5 left-1.5 flex flex-wrap gap-1">
          {product.state === Product_State.ARCHIVED && <Badge icon={Archive} solid>Archived</Badge>}
          {!front && <Badge icon={ImageOff} tone="warn" solid>No front photo</Badge>}
        </span>
      </div>
      <div className="px-2.5 py-1.5">
        <p className="truncate font-medium group-hover:underline">{product.name}</p>
        <p className="truncate text-xs text-soft">
          {product.sku || "No SKU"}
          {product.photos.length > 1 && ` · ${product.photos.length} photos`}
        </p>
      </div>
    </Link>
  );
}
