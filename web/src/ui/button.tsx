import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { Link, type LinkProps } from "react-router";
import { cx } from "~/lib/cx";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-fill text-white hover:brightness-110 border-transparent",
  plain: "bg-raised text-ink border-line hover:bg-hover",
  quiet: "bg-transparent text-soft border-transparent hover:bg-hover hover:text-ink",
  danger: "bg-danger text-white border-transparent hover:brightness-110",
};

export function buttonClass(look: Look = "plain", isSmall = false): string {
  return cx(
    "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium",
    "disabled:cursor-not-allowed disabled:opacity-50 aria-disabled:cursor-not-allowed aria-disabled:opacity-50",
    isSmall ? "h-6 px-2 text-xs" : "h-8 px-3 text-sm",
    LOOKS[look],
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  small?: boolean;
  icon?: LucideIcon;
  /** Shows that it works, and takes no second click. */
  busy?: boolean;
  /** Why it cannot be used now. It stays reachable, so that the reason can be read. */
  reason?: string | undefined | false;
}

export function Button({ look, small, icon: Icon, busy, reason, className, children, onClick, ...rest }: ButtonProps) {
  const isOff = Boolean(busy || reason);
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={isOff || undefined}
      aria-busy={busy || undefined}
      title={reason || rest.title}
      onClick={isOff ? (event) => event.preventDefault() : onClick}
      className={cx(buttonClass(look, small), className)}
    >
      {busy ? <LoaderCircle aria-hidden className="size-3.5 animate-spin" /> : Icon && <Icon aria-hidden className="size-3.5" />}
      {children}
      {reason && <span className="sr-only"> ({reason})</span>}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  label: string;
  icon: LucideIcon;
  /** The key that does the same, for the tooltip. */
  shortcut?: string;
  pressed?: boolean;
  reason?: string | undefined | false;
}

export function IconButton({ label, icon: Icon, shortcut, pressed, reason, className, onClick, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      aria-pressed={pressed}
      aria-disabled={reason ? true : undefined}
      title={reason || (shortcut ? `${label} (${shortcut})` : label)}
      onClick={reason ? undefined : onClick}
      className={cx(
        "inline-grid size-8 shrink-0 place-items-center rounded-md text-soft hover:bg-hover hover:text-ink",
        "disabled:opacity-40 aria-disabled:opacity-40 aria-pressed:bg-tint aria-pressed:text-accent",
        className,
      )}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}

interface LinkButtonProps extends LinkProps { look?: Look; small?: boolean; icon?: LucideIcon; children?: ReactNode }

export function LinkButton({ look, small, icon: Icon, className, children, ...rest }: LinkButtonProps) {
  return (
    <Link {...rest} className={cx(buttonClass(look, small), className)}>
      {Icon && <Icon aria-hidden className="size-3.5" />}
      {children}
    </Link>
  );
}
