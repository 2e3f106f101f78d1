// @ts-check
/** The style sheets of pages, which come with them. */

/** @type {Map<string, Promise<unknown>>} */
const coming = new Map();

/** @param {string} name Brings a style sheet of the pages into the page, once. */
export function styled(name) {
  const style = coming.get(name) ?? addStyle(name);
  coming.set(name, style);
  return style;
}

/** @param {string} name */
function addStyle(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `css/pages/${name}.css`;
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}
