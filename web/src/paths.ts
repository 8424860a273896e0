/** Every URL of the app. */
export const paths = {
  home: () => "/",
  login: (next?: string) => (next && next !== "/" ? `/login?next=${encodeURIComponent(next)}` : "/login"),
  signUp: (next?: string) => (next ? `/signup?next=${encodeURIComponent(next)}` : "/signup"),
  invite: (token: string) => `/invite/${encodeURIComponent(token)}`,

  products: () => "/products",
  product: (id: string) => `/products/${id}`,
  subjects: () => "/subjects",
  subject: (id: string) => `/subjects/${id}`,
  library: (kind: "styles" | "guidelines" | "shot-types" = "styles") => `/library/${kind}`,

  shootings: () => "/shootings",
  shooting: (id: string) => `/shootings/${id}`,
  looks: (id: string) => `/shootings/${id}/looks`,
  generate: (id: string) => `/shootings/${id}/generate`,
  generator: () => "/generator",

  review: () => "/review",
  /** `shot` opens the single view; without one it is the contact sheet. */
  shootingReview: (id: string, shot?: string) => `/shootings/${id}/review${shot ? `?shot=${shot}` : ""}`,
  deliver: (shootingId?: string) => `/deliver${shootingId ? `?shooting=${shootingId}` : ""}`,
  export: (id: string) => `/deliver/${id}`,
  targets: () => "/deliver/targets",
  queue: () => "/queue",
  run: (id: string) => `/runs/${id}`,

  settings: (page: "profile" | "appearance" | "sessions" | "organization" | "members" = "profile") => `/settings/${page}`,
};
