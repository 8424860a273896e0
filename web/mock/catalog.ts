import { create } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { GuidelineSchema } from "~/api/gen/sartiq/catalog/v1/guideline_pb";
import { GuidelineService } from "~/api/gen/sartiq/catalog/v1/guideline_service_pb";
import { Product_State, ProductSchema, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { ProductService } from "~/api/gen/sartiq/catalog/v1/product_service_pb";
import { ShotTypeSchema } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import { ShotTypeService } from "~/api/gen/sartiq/catalog/v1/shot_type_service_pb";
import { StyleSchema } from "~/api/gen/sartiq/catalog/v1/style_pb";
import { StyleService } from "~/api/gen/sartiq/catalog/v1/style_service_pb";
import { SubjectSchema } from "~/api/gen/sartiq/catalog/v1/subject_pb";
import { SubjectService } from "~/api/gen/sartiq/catalog/v1/subject_service_pb";
import { db, find, fresh, newest, page, patch, put, refusal } from "./db";
import { emit } from "./events";

function tell(kind: "productCreated" | "productUpdated" | "productArchived" | "productRestored", { id, name, sku }: Product) {
  emit({ case: kind, value: { $typeName: "sartiq.event.v1.ProductChanged", productId: id, name, sku } });
}

const normal = (sku: string) => sku.toUpperCase().replace(/[\s._-]/g, "");

function judgeSku(sku: string, id = ""): void {
  const taken = sku && newest(db.products).some((it) => it.id !== id && normal(it.sku) === normal(sku));
  if (taken) throw refusal(Code.AlreadyExists, "SKU_TAKEN", `a product with the SKU \`${sku}\` already exists`);
}

function change(id: string, state: Product_State) {
  const product = find(db.products, id, "product");
  product.state = state;
  tell(state === Product_State.ARCHIVED ? "productArchived" : "productRestored", product);
  return { product };
}

export function catalog(router: ConnectRouter): void {
  router.service(ProductService, {
    createProduct: ({ product: input }) => {
      judgeSku(input!.sku);
      const { $typeName, $unknown, ...fields } = input!;
      const product = put(db.products, create(ProductSchema, { ...fields, ...fresh(), state: Product_State.ACTIVE }));
      tell("productCreated", product);
      return { product };
    },
    getProduct: ({ id }) => ({ product: find(db.products, id, "product") }),
    batchGetProducts: ({ ids }) => ({ products: ids.map((id) => find(db.products, id, "product")) }),
    listProducts: (request) => {
      const search = request.search.toLowerCase();
      const fits = (it: Product) =>
        (request.showArchived || it.state === Product_State.ACTIVE) && `${it.name}\n${it.sku}`.toLowerCase().includes(search);
      const { items, nextPageToken } = page(newest(db.products).filter(fits), request);
      return { products: items, nextPageToken };
    },
    updateProduct: ({ id, etag, product: input, updateMask }) => {
      const product = find(db.products, id, "product");
      if (updateMask?.paths.includes("sku")) judgeSku(input!.sku, id);
      patch(product, input!, updateMask, etag);
      tell("productUpdated", product);
      return { product };
    },
    archiveProduct: ({ id }) => change(id, Product_State.ARCHIVED),
    restoreProduct: ({ id }) => change(id, Product_State.ACTIVE),
  });

  router.service(SubjectService, {
    createSubject: ({ subject }) => {
      const { $typeName, $unknown, ...fields } = subject!;
      return { subject: put(db.subjects, create(SubjectSchema, { ...fields, ...fresh() })) };
    },
    getSubject: ({ id }) => ({ subject: find(db.subjects, id, "subject") }),
    batchGetSubjects: ({ ids }) => ({ subjects: ids.map((id) => find(db.subjects, id, "subject")) }),
    listSubjects: () => ({ subjects: newest(db.subjects) }),
    updateSubject: ({ id, etag, subject, updateMask }) => {
      const found = find(db.subjects, id, "subject");
      patch(found, subject!, updateMask, etag);
      return { subject: found };
    },
  });

  router.service(StyleService, {
    createStyle: ({ style }) => {
      const { $typeName, $unknown, ...fields } = style!;
      return { style: put(db.styles, create(StyleSchema, { ...fields, ...fresh() })) };
    },
    batchGetStyles: ({ ids }) => ({ styles: ids.map((id) => find(db.styles, id, "style")) }),
    listStyles: () => ({ styles: newest(db.styles) }),
    updateStyle: ({ id, etag, style, updateMask }) => {
      const found = find(db.styles, id, "style");
      patch(found, style!, updateMask, etag);
      return { style: found };
    },
  });

  router.service(GuidelineService, {
    createGuideline: ({ guideline }) => {
      const { $typeName, $unknown, ...fields } = guideline!;
      return { guideline: put(db.guidelines, create(GuidelineSchema, { ...fields, ...fresh() })) };
    },
    listGuidelines: () => ({ guidelines: newest(db.guidelines) }),
    updateGuideline: ({ id, etag, guideline, updateMask }) => {
      const found = find(db.guidelines, id, "guideline");
      patch(found, guideline!, updateMask, etag);
      return { guideline: found };
    },
  });

  router.service(ShotTypeService, {
    createShotType: ({ shotType }) => {
      const { $typeName, $unknown, ...fields } = shotType!;
      return { shotType: put(db.shotTypes, create(ShotTypeSchema, { ...fields, ...fresh() })) };
    },
    batchGetShotTypes: ({ ids }) => ({ shotTypes: ids.map((id) => find(db.shotTypes, id, "shot_type")) }),
    listShotTypes: () => ({ shotTypes: [...newest(db.shotTypes).filter((it) => !it.system), ...[...db.shotTypes.values()].filter((it) => it.system)] }),
    updateShotType: ({ id, etag, shotType, updateMask }) => {
      const found = find(db.shotTypes, id, "shot_type");
      if (found.system) throw refusal(Code.FailedPrecondition, "SYSTEM_SHOT_TYPE", "shot types of the system set cannot be changed");
      patch(found, shotType!, updateMask, etag);
      return { shotType: found };
    },
  });
}
