import { useParams } from "react-router";
import { Chooser } from "./chooser";
import { Workbench } from "./workbench";

/** With a shooting in the URL its generator, else the choice of one. */
export default function Generator() {
  const { id } = useParams();
  return id ? <Workbench key={id} shootingId={id} /> : <Chooser />;
}
