import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { batched } from "~/lib/batch";
import { GuidelineService } from "./gen/sartiq/catalog/v1/guideline_service_pb";
import { ProductService } from "./gen/sartiq/catalog/v1/product_service_pb";
import { ShotTypeService } from "./gen/sartiq/catalog/v1/shot_type_service_pb";
import { StyleService } from "./gen/sartiq/catalog/v1/style_service_pb";
import { SubjectService } from "./gen/sartiq/catalog/v1/subject_service_pb";
import { keys } from "./keys";
import { everything, paged } from "./pages";
import { transport } from "./transport";

export const products = createClient(ProductService, transport);
export const subjects = createClient(SubjectService, transport);
export const styles = createClient(StyleService, transport);
export const guidelines = createClient(GuidelineService, transport);
export const shotTypes = createClient(ShotTypeService, transport);

export const productList = (search = "", showArchived = false) =>
  paged([...keys.products(), { search, showArchived }], (page, options) =>
    products.listProducts({ ...page, search, showArchived }, options));

/** One product. Those that are asked for together are read together. */
export const productQuery = (id: string) =>
  queryOptions({ queryKey: keys.product(id), queryFn: () => loadProduct(id), enabled: id !== "" });
const loadProduct = batched((ids) => products.batchGetProducts({ ids }).then((it) => it.products), 100);

export const subjectList = () =>
  queryOptions({
    queryKey: keys.subjects(),
    queryFn: ({ signal }) => everything(subjects.listSubjects, (it) => it.subjects, signal),
  });
export const subjectQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.subjects(), id],
    queryFn: async ({ signal }) => (await subjects.getSubject({ id }, { signal })).subject!,
  });
export const styleList = () =>
  queryOptions({
    queryKey: keys.styles(),
    queryFn: ({ signal }) => everything(styles.listStyles, (it) => it.styles, signal),
  });
export const guidelineList = () =>
  queryOptions({
    queryKey: keys.guidelines(),
    queryFn: ({ signal }) => everything(guidelines.listGuidelines, (it) => it.guidelines, signal),
  });
/** Those of the organization, then those of the system set. */
export const shotTypeList = () =>
  queryOptions({
    queryKey: keys.shotTypes(),
    queryFn: ({ signal }) => everything(shotTypes.listShotTypes, (it) => it.shotTypes, signal),
  });
