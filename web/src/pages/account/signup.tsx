import { useState } from "react";
import { Link, Navigate, useSearchParams } from "react-router";
import { auth, session, signIn } from "~/api/session";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { useStore } from "~/lib/store";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Input } from "~/ui/field";
import { Card, device, safeNext } from "./card";

export default function SignUp() {
  const [search] = useSearchParams();
  const next = safeNext(search.get("next"));
  // Whoever was invited joins an organization; the own one then only has to have a name.
  const isInvited = next.startsWith("/invite/");
  const [input, setInput] = useState({ name: "", email: "", password: "", organizationName: "" });
  const set = (field: keyof typeof input) => ({
    value: input[field],
    error: fieldError(field),
    required: true,
    onChange: (event: { target: { value: string } }) => setInput({ ...input, [field]: event.target.value }),
  });
  const { onSubmit, busy, error, fieldError } = useSubmit(
    (requestId) => auth.signUp({ ...input, organizationName: isInvited ? input.name : input.organizationName, requestId, device: device() }),
    ({ tokens }) => signIn(tokens!),
  );
  if (useStore(session)) return <Navigate to={next} replace />;
  return (
    <Card title="Create an account">
      <form onSubmit={onSubmit} className="grid grid-cols-1 gap-3">
        <Input label="Your name" autoComplete="name" autoFocus maxLength={80} {...set("name")} />
        <Input label="E-mail" type="email" autoComplete="username" {...set("email")} />
        <Input label="Password" type="password" autoComplete="new-password" minLength={10} maxLength={200} hint="At least 10 characters." {...set("password")} />
        {!isInvited && <Input label="Organization" autoComplete="organization" maxLength={80} hint="The brand that you make pictures for." {...set("organizationName")} />}
        {error !== undefined && <ErrorPanel error={error} />}
        <Button type="submit" look="primary" busy={busy} className="mt-1">Create account</Button>
      </form>
      <p className="text-soft">
        Have an account? <Link className="text-accent underline" to={paths.login(next)}>Sign in</Link>
      </p>
    </Card>
  );
}
