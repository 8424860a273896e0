const INKS: Record<string, string> = {
  "Linen shirt": "#8c3b2e", "Poplin shirt": "#2f4b6e", Overshirt: "#4d6b4a", "Rugby top": "#c9a25a", "Heavy tee": "#3a3a42",
  "Cashmere crew": "#b6a99a", "Silk blouse": "#7b4a6d", "Camp collar shirt": "#1f6f78",
};
const ink = (name: string) => INKS[name] ?? `hsl(${hash(name) % 360} 30% 45%)`;

function hash(text: string): number {
  return [...text].reduce((sum, it) => (sum * 31 + it.charCodeAt(0)) >>> 0, 7);
}

function svg(content: string): string {
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 1000" width="800" height="1000">${content}</svg>`)}`;
}

function shirt(fill: string): string {
  return `<path d="M290 270l-110 70 40 130 60-30v330h240V440l60 30 40-130-110-70c-20 50-60 70-110 70s-90-20-110-70z" fill="${fill}"/><path d="M290 270c20 50 60 70 110 70s90-20 110-70" fill="none" stroke="#0003" stroke-width="8"/>`;
}

/** A garment on white, as a product photo shows it. */
export function packshot(name: string): string {
  return svg(`<rect width="800" height="1000" fill="#f3f2f0"/>${shirt(ink(name))}`);
}

/** A person, or what stands for one. */
export function portrait(name: string): string {
  const skin = ["#e3b995", "#a8744e", "#f0d2b6", "#6f4a33"][hash(name) % 4]!;
  return svg(`<rect width="800" height="1000" fill="#d9dadd"/><path d="M350 460h100v180H350z" fill="${skin}"/><circle cx="400" cy="380" r="130" fill="${skin}"/><path d="M268 380c-20-190 60-260 132-260s152 70 132 260c-10-70-40-110-60-130-60 30-120 20-150-10-30 40-46 80-54 140z" fill="#2a2320"/><path d="M150 1000c0-260 120-400 250-400s250 140 250 400z" fill="#f7f7f7"/>`);
}

/** The garment worn, in a light that differs from picture to picture. */
export function scene(name: string, seed: string): string {
  const turn = hash(seed) % 360;
  return svg(
    `<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl(${turn} 12% 88%)"/><stop offset="1" stop-color="hsl(${(turn + 40) % 360} 14% 70%)"/></linearGradient></defs>` +
    `<rect width="800" height="1000" fill="url(#g)"/><ellipse cx="400" cy="960" rx="230" ry="26" fill="#0002"/><circle cx="400" cy="180" r="78" fill="#c99b75"/>` +
    `<path d="M325 160c0-110 150-110 150 0 6-120-40-150-75-150s-81 30-75 150z" fill="#2a2320"/>${shirt(ink(name))}<path d="M290 765h220l10 200h-90l-30-140-30 140h-90z" fill="#2c2d33"/>`,
  );
}
