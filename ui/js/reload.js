// @ts-check
/**
 * Loads the page again where a part of it did not come: else it stays empty. Browsers give up what
 * they fetch when the machine's network changes, as it does whenever a container starts. No module,
 * so that it is there before those that it looks after.
 */
(() => {
  const TRIES = "tries";
  const MOST = 10;
  const PAUSE = 1000;
  let isWhole = true;

  const reload = () => {
    if (!isWhole) return;
    isWhole = false;
    const tries = Number(sessionStorage.getItem(TRIES)) + 1;
    sessionStorage.setItem(TRIES, String(tries));
    if (tries <= MOST) setTimeout(() => location.reload(), PAUSE);
  };

  // In the capturing phase: what an element lacks does not bubble.
  window.addEventListener("error", ({ target }) => target instanceof HTMLElement && reload(), true);
  window.addEventListener("load", () => isWhole && sessionStorage.removeItem(TRIES));
})();
