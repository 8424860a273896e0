/** Something that goes wrong at the vendor, as the sandbox's control endpoint takes it. */
export interface Rule {
  match?: { endpoint?: string; operation?: string; times?: number; probability?: number };
  fault: { kind: string; ms?: number; name?: string };
}

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${process.env.SANDBOX_URL}/control/${path}`, {
    method,
    headers: { authorization: `Key ${process.env.SANDBOX_KEY}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`the sandbox answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

/** Lets `rule`, or several that add up, hold while `work` is done. */
export async function during<T>(rule: Rule | Rule[], work: () => Promise<T>): Promise<T> {
  const { rules } = (await control("POST", "faults", rule)) as { rules: { id: number }[] };
  try {
    return await work();
  } finally {
    for (const { id } of rules) await control("DELETE", `faults/${id}`);
  }
}
