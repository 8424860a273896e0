// Counts what holds and what does not.

let passed = 0;
let failed = 0;

/** Runs one check; its name is a sentence. */
export async function check(name, work) {
  try {
    await work();
    passed += 1;
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`not ok ${name}: ${error?.stack ?? error}`);
  }
}

/** Prints the sum and says whether all held. */
export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}
