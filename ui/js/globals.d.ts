/// <reference path="../vendor/@xterm/xterm/typings/xterm.d.ts" />
/** What surrounds the page's code: the window, and a package that lit-html's types mention. */

interface WindowApi {
  /** Missing until the window is ready. */
  invoke?(channel: string, payload: object): Promise<any>;
}

interface Window {
  /** Only in the applet's own window; see aiserver_tray/window/bridge.py. */
  pywebview?: { api?: WindowApi };
  /** What the window's process calls. */
  aiserver: { receive(messages: import("./types.d.ts").Message[]): void };
}

declare module "trusted-types/lib/index.js" {
  type TrustedHTML = unknown;
}
