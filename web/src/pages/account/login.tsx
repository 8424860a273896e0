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

export default function Login() {
  const [search] = useSearchParams();
  const next = safeNext(search.get("next"));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { onSubmit, busy, error, fieldError } = useSubmit(
    () => auth.login({ email, password, device: device() }),
    ({ tokens }) => signIn(tokens!),
  );
  if (useStore(session)) return <Navigate to={next} replace />;
  return (
    <Card title="Sign in">
      <form onSubmit={onSubmit} className="grid grid-cols-1 gap-3">
        <Input label="E-mail" type="email" autoComplete="username" required autoFocus value={email} onChange={(it) => setEmail(it.target.value)} error={fieldError("email")} />
        <Input label="Password" type="password" autoComplete="current-password" required value={password} onChange={(it) => setPassword(it.target.value)} error={fieldError("password")} />
        {error !== undefined && <ErrorPanel error={error} />}
        <Button type="submit" look="primary" busy={busy} className="mt-1">Sign in</Button>
      </form>
      <p className="text-soft">
        No account? <Link className="text-accent underline" to={paths.signUp(next)}>Create one</Link>
      </p>
    </Card>
  );
}
