// @ts-check
/** The command palette. */
export function openPalette() {}
