import { signOf } from "./keymap";

/** Keys as they are printed on them. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex items-center gap-1">
      {keys.split(" ").map((chord, index) => (
        <span key={index} className="inline-flex gap-0.5">
          {chord.split("+").map((key) => (
            <kbd key={key} className="min-w-5 rounded-sm border border-b-2 bg-ground px-1 text-center font-sans text-xs">
              {signOf(key)}
            </kbd>
          ))}
        </span>
      ))}
    </span>
  );
}
