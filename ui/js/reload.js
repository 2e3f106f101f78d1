// @ts-check
/**
 * Loads the page again where a part of it did not come: else it stays empty. Browsers give up what
 * they fetch when the machine's network changes, as it does whenever a container starts. While
 * nobody serves the page, it stays as it is: the browser's own error could not come back. No
 * module, so that it is there before those that it looks after.
 */
(() => {
  const TRIES = "tries";
  const LONGEST_PAUSE = 20_000;
  const MOST_REFUSALS = 10;
  let isWhole = true;
  let refusals = 0;

  const isServed = async () => {
    const answer = await fetch(location.href).catch(() => null);
    // A page that runs goes to the new address of a restarted server by itself.
    if (answer && !answer.ok) refusals += 1;
    return answer?.ok || refusals > MOST_REFUSALS;
  };

  const reload = async () => {
    if (!isWhole) return;
    isWhole = false;
    const tries = Number(sessionStorage.getItem(TRIES)) + 1;
    sessionStorage.setItem(TRIES, String(tries));
    const pause = Math.min(1000 * 2 ** (tries - 1), LONGEST_PAUSE);
    do await new Promise((done) => setTimeout(done, pause));
    while (!(await isServed()));
    location.reload();
  };

  // In the capturing phase: what an element lacks does not bubble.
  window.addEventListener("error", ({ target }) => target instanceof HTMLElement && reload(), true);
  window.addEventListener("incomplete", reload); // said by a module that lacks another one
  window.addEventListener("load", () => isWhole && sessionStorage.removeItem(TRIES));
})();
