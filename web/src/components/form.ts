import { useMutation } from "@tanstack/react-query";
import { useRef, type FormEvent } from "react";
import { problemOf, type Problem } from "~/api/errors";
import { uuid } from "~/lib/uuid";

interface Submission<R> {
  /** For the form. */
  onSubmit: (event: FormEvent) => void;
  submit: () => void;
  busy: boolean;
  /** What went wrong and belongs to no field. */
  error: unknown;
  problem: Problem | undefined;
  /** What is wrong with a field, by its last name: `sku` for `product.sku`. */
  fieldError: (name: string) => string | undefined;
  data: R | undefined;
}

/**
 * Sends a form. A second click while it is sent does nothing, and what is sent again unchanged after a failure
 * carries the same request id, so that it is done once.
 */
export function useSubmit<R>(send: (requestId: string) => Promise<R>, onDone?: (result: R) => void): Submission<R> {
  const requestId = useRef("");
  const isSending = useRef(false);
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: () => send((requestId.current ||= uuid())),
    onSuccess: (result) => {
      requestId.current = "";
      onDone?.(result);
    },
    onError: (failure) => {
      // What was refused is sent changed: as another request.
      if (!problemOf(failure).isRetryable) requestId.current = "";
    },
  });
  const problem = error ? problemOf(error) : undefined;
  const submit = () => {
    if (isSending.current) return;
    isSending.current = true;
    mutate(undefined, { onSettled: () => (isSending.current = false) });
  };
  return {
    onSubmit: (event) => {
      event.preventDefault();
      submit();
    },
    submit,
    busy: isPending,
    error: problem && Object.keys(problem.fields).length > 0 ? undefined : (error ?? undefined),
    problem,
    fieldError: (name) => Object.entries(problem?.fields ?? {}).find(([path]) => path === name || path.endsWith(`.${name}`))?.[1],
    data,
  };
}
