import { useQueryClient } from "@tanstack/react-query";
import { targets } from "~/api/delivery";
import { sentence } from "~/api/errors";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { toast } from "~/components/toast";
import { useDraft } from "~/lib/draft";
import { Input } from "~/ui/field";
import { FormFrame } from "./frame";

const NO_TARGET = { title: "", endpointUrl: "", region: "", name: "", prefix: "", accessKeyId: "", secretAccessKey: "" };

/** Adds a bucket that pictures are delivered to. It is tested at once. */
export function TargetCreate({ onClose }: { onClose: () => void }) {
  const { draft, text } = useDraft(NO_TARGET);
  const cache = useQueryClient();
  const form = useSubmit(
    (requestId) => {
      const { title, ...bucket } = draft;
      return targets.createTarget({ requestId, name: title, bucket });
    },
    ({ target, problem }) => {
      void cache.invalidateQueries({ queryKey: keys.targets() });
      toast(problem ? `“${target?.name}” was added, but could not be reached.` : `“${target?.name}” works.`, { isBad: problem !== "", ...(problem && { hint: sentence(problem) }) });
      onClose();
    },
  );
  // The name of the target and that of the bucket are both called `name`.
  const error = (path: string) => form.problem?.fields[path];
  return (
    <FormFrame title="New target" form={form} action="Add and test" onClose={onClose}>
      <Input label="Name" required maxLength={80} placeholder="Shop" {...text("title", () => error("name"))} />
      <Input label="Address of the store" required type="url" placeholder="https://s3.eu-central-1.amazonaws.com" {...text("endpointUrl", () => error("bucket.endpointUrl"))} />
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Input label="Bucket" required placeholder="brand-pictures" {...text("name", () => error("bucket.name"))} />
        <Input label="Region (optional)" placeholder="eu-central-1" {...text("region", () => error("bucket.region"))} />
      </div>
      <Input label="Folder (optional)" placeholder="spring/" hint="What the names of delivered files begin with." {...text("prefix", () => error("bucket.prefix"))} />
      <Input label="Access key id" required autoComplete="off" {...text("accessKeyId", () => error("bucket.accessKeyId"))} />
      <Input label="Secret access key" required type="password" autoComplete="new-password" hint="It is stored sealed and never shown again." {...text("secretAccessKey", () => error("bucket.secretAccessKey"))} />
    </FormFrame>
  );
}
