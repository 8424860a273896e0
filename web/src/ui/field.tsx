import { useEffect, useId, useRef, type ComponentProps, type ReactNode } from "react";
import { cx } from "~/lib/cx";

const BOX =
  "w-full rounded-md border border-edge/60 bg-panel px-2.5 text-ink placeholder:text-soft/80 hover:border-edge " +
  "disabled:opacity-60 aria-invalid:border-bad";

interface Labelled {
  label: string;
  /** What to know before writing. */
  hint?: ReactNode;
  /** What is wrong with what was written. */
  error?: string | undefined;
  /** Where the label is clear from what stands around it. */
  hideLabel?: boolean;
}

interface FieldProps extends Labelled {
  required?: boolean | undefined;
  className?: string | undefined;
  children: (props: { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined }) => ReactNode;
}

/** A label, a control, and what is to be said about it. */
export function Field({ label, hint, error, hideLabel, required, className, children }: FieldProps) {
  const id = useId();
  const note = error || hint;
  return (
    <div className={cx("grid gap-1", className)}>
      <label htmlFor={id} className={hideLabel ? "sr-only" : "text-xs font-medium text-soft"}>
        {label}
        {!required && required !== undefined && <span className="font-normal"> (optional)</span>}
      </label>
      {children({ id, "aria-describedby": note ? `${id}-note` : undefined, "aria-invalid": error ? true : undefined })}
      {note && (
        <p id={`${id}-note`} className={cx("text-xs", error ? "text-bad" : "text-soft")}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Input({ label, hint, error, hideLabel, className, ...rest }: Labelled & ComponentProps<"input">) {
  return (
    <Field {...{ label, hint, error, hideLabel: hideLabel ?? false, className }}>
      {(props) => <input {...rest} {...props} className={cx(BOX, "h-8")} />}
    </Field>
  );
}

export function TextArea({ label, hint, error, hideLabel, className, ...rest }: Labelled & ComponentProps<"textarea">) {
  return (
    <Field {...{ label, hint, error, hideLabel: hideLabel ?? false, className }}>
      {(props) => <textarea rows={4} {...rest} {...props} className={cx(BOX, "py-1.5")} />}
    </Field>
  );
}

export function Select({ label, hint, error, hideLabel, className, children, ...rest }: Labelled & ComponentProps<"select">) {
  return (
    <Field {...{ label, hint, error, hideLabel: hideLabel ?? false, className }}>
      {(props) => <select {...rest} {...props} className={cx(BOX, "h-8 pr-7")}>{children}</select>}
    </Field>
  );
}

export function Checkbox({ label, className, ...rest }: { label: ReactNode } & Omit<ComponentProps<"input">, "type">) {
  return (
    <label className={cx("inline-flex min-h-6 cursor-pointer items-center gap-2", className)}>
      <input type="checkbox" {...rest} className="size-4 accent-fill" />
      {label}
    </label>
  );
}

interface TickProps extends Omit<ComponentProps<"input">, "type" | "ref"> {
  "aria-label": string;
  /** Some of what it stands for is chosen. */
  isPartly?: boolean;
}

/** A checkbox whose words stand elsewhere. It is hit in a box of 24 px. */
export function Tick({ isPartly = false, className, ...rest }: TickProps) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.indeterminate = isPartly;
  }, [isPartly]);
  return (
    <label className={cx("grid size-6 shrink-0 cursor-pointer select-none place-items-center", className)}>
      <input ref={ref} type="checkbox" {...rest} className="size-4 accent-fill" />
    </label>
  );
}
