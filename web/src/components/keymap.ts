import { createStore, useStore } from "~/lib/store";

/**
 * Which keys do what, view by view, as long as nobody binds them otherwise. `mod` is Ctrl or ⌘; keys that follow each other
 * stand with a space between them.
 */
export const KEYMAP = {
  Everywhere: {
    palette: ["mod+k", "Go anywhere"], help: ["?", "Show shortcuts"], rail: ["[", "Fold or unfold the rail"],
    home: ["g h", "Go to Home"], products: ["g p", "Go to Products"], subjects: ["g j", "Go to Subjects"], library: ["g l", "Go to Library"],
    shootings: ["g s", "Go to Shootings"], generator: ["g e", "Go to Generator"], review: ["g r", "Go to Review"], deliver: ["g d", "Go to Deliver"],
    queue: ["g q", "Go to Queue"],
  },
  Products: { search: ["/", "Search products"] },
  Looks: {
    undo: ["mod+z", "Undo"], redo: ["mod+shift+z", "Redo"], redoToo: ["mod+y", "Redo, too"], fill: ["mod+d", "Fill the cell down"],
    selectAll: ["mod+a", "Select all looks, or none"], remove: ["delete", "Remove the look, or those selected"],
  },
  Generator: { start: ["mod+enter", "Start generating"] },
  Queue: { cancel: ["shift+x", "Cancel what is selected"] },
  Decisions: {
    undo: ["mod+z", "Undo your last decision"], redo: ["mod+shift+z", "Decide again what was undone"], revision: ["j", "Show the revision that arrived"],
  },
  "Contact sheet": {
    next: ["arrowright", "Next shot"], previous: ["arrowleft", "Shot before"], below: ["arrowdown", "Row below"], above: ["arrowup", "Row above"],
    first: ["home", "First shot"], last: ["end", "Last shot"], single: ["m", "Single view"], open: ["enter", "Open the shot"],
    select: ["space", "Select the shot, or not"], selectNext: ["shift+arrowright", "Select on to the next shot"],
    selectPrevious: ["shift+arrowleft", "Select on to the shot before"], selectBelow: ["shift+arrowdown", "Select on to the row below"],
    selectAbove: ["shift+arrowup", "Select on to the row above"], selectFirst: ["shift+home", "Select on to the first shot"],
    selectLast: ["shift+end", "Select on to the last shot"], selectAll: ["mod+a", "Select all that are shown"], clear: ["escape", "Select none"],
    approve: ["a", "Approve what is selected"], reject: ["x", "Reject what is selected: then 1 to 7 say why"],
    choose1: ["1", "The first reason"], choose2: ["2", "The second reason"], choose3: ["3", "The third reason"], choose4: ["4", "The fourth reason"],
    choose5: ["5", "The fifth reason"], choose6: ["6", "The sixth reason"], choose7: ["7", "The last reason"],
  },
  Review: {
    approve: ["a", "Approve, and go on"], reject: ["x", "Reject: then 1 to 7 say why"], revise: ["v", "Ask for a revision"],
    undo: ["u", "Undo the latest decision about this shot"], next: ["arrowright", "Next shot"], previous: ["arrowleft", "Shot before"],
    nextVariant: ["arrowdown", "Next variant"], previousVariant: ["arrowup", "Variant before"], zoom: ["z", "Hold: 100 % where the pointer is"],
    fit: ["f", "Fit"], truth: ["p", "Hold: the product photo in its place"], pin: ["shift+p", "Pin the product photo beside"],
    compare: ["c", "Compare two, or end comparing"], wipe: ["w", "Comparing: wipe"], blink: ["b", "Comparing, hold: the other one in its place"],
    sheet: ["m", "Contact sheet"], close: ["escape", "Close what is open"],
    choose1: ["1", "Variant 1, or the first reason"], choose2: ["2", "Variant 2, or the second reason"], choose3: ["3", "Variant 3, or the third reason"],
    choose4: ["4", "Variant 4, or the fourth reason"], choose5: ["5", "Variant 5, or the fifth reason"], choose6: ["6", "Variant 6, or the sixth reason"],
    choose7: ["7", "Variant 7, or the last reason"], choose8: ["8", "Variant 8"], choose9: ["9", "Variant 9"],
  },
} as const satisfies Record<string, Record<string, readonly [keys: string, label: string]>>;

export type View = keyof typeof KEYMAP;
export type ActionOf<V extends View> = keyof (typeof KEYMAP)[V] & string;
/** One thing that keys do: `Review.approve`. */
export type Command = { [V in View]: `${V}.${ActionOf<V>}` }[View];

/** Views whose keys work at the same time, beside those that work everywhere. */
const TOGETHER: View[][] = [["Decisions", "Review"], ["Decisions", "Contact sheet"]];

function meet(one: View, other: View): boolean {
  return one === other || one === "Everywhere" || other === "Everywhere" || TOGETHER.some((it) => it.includes(one) && it.includes(other));
}

const STORED = "sartiq.keys";

function stored(): Partial<Record<Command, string>> {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "{}") as Partial<Record<Command, string>>;
  } catch {
    return {};
  }
}

/** What is bound otherwise in this browser. */
const bindings = createStore(stored());
bindings.subscribe(() => localStorage.setItem(STORED, JSON.stringify(bindings.get())));
window.addEventListener("storage", ({ key }) => {
  if (key === STORED || key === null) bindings.set(stored());
});

export function commandOf<V extends View>(view: V, action: ActionOf<V>): Command {
  return `${view}.${action}` as Command;
}

export const viewOf = (command: Command) => command.split(".")[0] as View;

function entryOf(command: Command): readonly [keys: string, label: string] {
  const [view, action] = command.split(".") as [View, string];
  return (KEYMAP[view] as Record<string, readonly [string, string]>)[action]!;
}

/** What `command` does, for the help. */
export const labelOf = (command: Command) => entryOf(command)[1];
/** The keys that do `command` as long as nobody binds it otherwise. */
export const firstKeysOf = (command: Command) => entryOf(command)[0];

/** The keys that do `command` in this browser. */
export const keysOf = (command: Command): string => bindings.get()[command] ?? firstKeysOf(command);

/** The same for what is shown: it follows when keys are bound otherwise. */
export function useKeymap(): (command: Command) => string {
  useStore(bindings);
  return keysOf;
}

/** Whether anything is bound otherwise. */
export const useIsBound = () => Object.keys(useStore(bindings)).length > 0;

const COMMANDS = (Object.keys(KEYMAP) as View[]).flatMap((view) => Object.keys(KEYMAP[view]).map((it) => `${view}.${it}` as Command));

/** Whether a key begins keys that follow each other. */
export const isStart = (keys: string) => COMMANDS.some((it) => keysOf(it).startsWith(`${keys} `));

/** What a browser or a page needs for itself. */
const RESERVED = /^(mod\+(c|v|x|t|n|w|r|l|q|shift\+[tnwrcij])|(shift\+)?tab|f\d+)$/;

/** Another command that one could not tell from `command` if that had these keys. */
function rivalOf(command: Command, keys: string): Command | undefined {
  return COMMANDS.find((it) => {
    if (it === command || !meet(viewOf(it), viewOf(command))) return false;
    return keysOf(it) === keys || keysOf(it).startsWith(`${keys} `) || keys.startsWith(`${keysOf(it)} `);
  });
}

/** Why `command` cannot have these keys, in a sentence; empty if it can. */
function refusalOf(command: Command, keys: string): string {
  if (RESERVED.test(keys)) return `The browser needs ${spoken(keys)} for itself. Choose other keys.`;
  const rival = rivalOf(command, keys);
  return rival ? `${spoken(keys)} is taken by “${labelOf(rival)}” (${viewOf(rival)}). Choose other keys, or change those first.` : "";
}

/** Binds keys to `command`, unless they are refused. Answers why. */
export function bind(command: Command, keys: string): string {
  const refusal = refusalOf(command, keys);
  if (refusal) return refusal;
  const { [command]: _, ...others } = bindings.get();
  bindings.set(keys === firstKeysOf(command) ? others : { ...others, [command]: keys });
  return "";
}

/** Brings all keys back to what they were at first. */
export function unbindAll(): void {
  bindings.set({});
}

const SIGNS: Record<string, string> = {
  mod: /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl", shift: "Shift", alt: "Alt", arrowright: "→", arrowleft: "←",
  arrowup: "↑", arrowdown: "↓", escape: "Esc", enter: "Enter", space: "Space", delete: "Delete", home: "Home", end: "End", plus: "+",
};

/** What is printed on a key. */
export const signOf = (key: string) => SIGNS[key] ?? key.toUpperCase();

/** `g p` to `G then P`, `shift+p` to `Shift+P`: keys in a sentence. */
export function spoken(keys: string): string {
  return keys.split(" ").map((it) => it.split("+").map(signOf).join("+")).join(" then ");
}
