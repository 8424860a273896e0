/** The keys of everything in the query cache. What begins alike is marked stale together. */
export const keys = {
  me: () => ["me"] as const,
  organizations: () => ["organizations"] as const,
  members: () => ["members"] as const,
  sessions: () => ["sessions"] as const,

  products: () => ["products"] as const,
  product: (id: string) => ["product", id] as const,
  subjects: () => ["subjects"] as const,
  styles: () => ["styles"] as const,
  guidelines: () => ["guidelines"] as const,
  shotTypes: () => ["shotTypes"] as const,

  shootings: () => ["shootings"] as const,
  shooting: (id: string) => ["shooting", id] as const,
  looks: (shootingId: string) => ["looks", shootingId] as const,
  shots: (shootingId: string) => ["shots", shootingId] as const,
  decisions: (shotId: string) => ["decisions", shotId] as const,

  generations: () => ["generations"] as const,
  /** The generations of a shooting, and of all shootings: both go stale with `generations`. */
  generationsOf: (shootingId: string) => ["generations", { shootingId }] as const,
  generationsIn: (shootingId: string, states: readonly number[]) => ["generations", { shootingId, states }] as const,
  generation: (id: string) => ["generation", id] as const,
  predictions: (shotId: string) => ["predictions", shotId] as const,
  predictionsOf: (shootingId: string) => ["predictionsOf", shootingId] as const,
  latest: (shootingId: string) => ["latest", shootingId] as const,
  prediction: (id: string) => ["prediction", id] as const,
  quote: (shotIds: string[], variants: number) => ["quote", shotIds, variants] as const,

  exports: () => ["exports"] as const,
  export: (id: string) => ["export", id] as const,
  exportItems: (id: string) => ["exportItems", id] as const,
  targets: () => ["targets"] as const,

  workflows: () => ["workflows"] as const,
  workflow: (id: string) => ["workflow", id] as const,
  tasks: () => ["tasks"] as const,

  media: (id: string) => ["media", id] as const,
  mediaList: () => ["mediaList"] as const,
  url: (id: string, edge: number) => ["url", id, edge] as const,
};
