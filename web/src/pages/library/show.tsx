import { useParams } from "react-router";
import { Page } from "~/components/page";
import { NotFound } from "~/components/state";
import { paths } from "~/paths";
import { Tab, Tabs } from "~/ui/tabs";
import { Guidelines } from "./guidelines";
import { ShotTypes } from "./shot-types";
import { Styles } from "./styles";

const TABS = { styles: "Styles", guidelines: "Guidelines", "shot-types": "Shot types" } as const;

export default function Library() {
  const { kind = "" } = useParams();
  const title = TABS[kind as keyof typeof TABS];
  const tabs = (
    <Tabs label="Library">
      {(Object.keys(TABS) as (keyof typeof TABS)[]).map((it) => <Tab key={it} to={paths.library(it)}>{TABS[it]}</Tab>)}
    </Tabs>
  );
  return (
    <Page title={title ?? "Not found"} within="Library" below={tabs}>
      {kind === "styles" ? <Styles /> : kind === "guidelines" ? <Guidelines /> : kind === "shot-types" ? <ShotTypes /> : <NotFound />}
    </Page>
  );
}
