import type { ReactNode } from "react";
import { useTitle } from "~/components/page";

/** The frame of the pages before signing in. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  useTitle(title);
  return (
    <div className="w-full max-w-sm">
      <p className="mb-4 text-center text-lg font-semibold tracking-tight">Sartiq</p>
      <section className="grid grid-cols-1 gap-4 rounded-lg border bg-panel p-6">
        <h1 className="text-lg font-semibold">{title}</h1>
        {children}
      </section>
    </div>
  );
}

/** What this browser calls itself in the list of sessions. */
export function device(): string {
  const agent = navigator.userAgent;
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom/.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Browser";
  const system = /Windows/.test(agent) ? "Windows" : /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Mac OS/.test(agent) ? "macOS" : "Linux";
  return `${browser} on ${system}`;
}

/** A path of this app, whatever the URL says: nobody is sent elsewhere after signing in. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}
