// The page's own types. Those of the contract are in contract.d.ts.

import type { Address } from "./base/address.js";
import type { Error, Events, Language, ModuleAbilities, Operation, Snapshot } from "./contract.d.ts";

/** The answer to a request, with the data of a success. */
export type Answer<Data> = { success: true; data: Data } | ({ success: false } & Error);

export type Connection =
  /** nothing heard yet */
  | "connecting"
  | "up"
  /** the owner of the core is gone, and the page tries to reach it again */
  | "lost"
  /** this address is no longer valid */
  | "ended";

export type ModuleAction = keyof ModuleAbilities;

/** Something to confirm. */
export interface Question {
  title: string;
  text: string;
  /** the button that agrees; without it, there is nothing to agree to */
  action?: string;
  /** `danger`: data is lost */
  kind?: "primary" | "danger";
  /** a name that has to be typed first */
  typed?: string;
  /** whether it can be agreed to now; asked each time the page is drawn */
  ready?: () => boolean;
  /** more than words, such as a list; a function is asked each time the page is drawn */
  more?: unknown;
  /** what to think of, beside the buttons */
  note?: string;
  run?(): void;
}

/** A row of the settings. */
export interface SettingRow {
  id: string;
  title: string;
  help?: string;
  control?: unknown;
  /** what needs the whole width */
  below?: unknown;
  /** the address of the setting that is changed by it, if the row is not that setting's own */
  covers?: string;
  /** why a change was refused; without it, that of the setting with this address */
  error?: string | null | undefined;
}

/** Everything that the page shows. */
export interface PageState {
  connection: Connection;
  snapshot: Snapshot | null;
  /** the running operations, and the last that ended, with their steps */
  progress: Operation[];
  address: Address;
  canStartEngine: boolean;
  startingEngine: boolean;
  /** keys of the requests that wait for an answer */
  asked: ReadonlySet<string>;
  failures: (Error & { id: string })[];
  /** ids of what the user dismissed */
  dismissed: ReadonlySet<string>;
  question: Question | null;
}

/** The contract's events, and those of what carries it. */
export interface PageEvents extends Events {
  /** where the page begins */
  "ai/ui/hello": { page: string; language: Language };
  "ai/ui/connection": { state: Connection };
}

/** An event with its payload. */
export type Message = { [Name in keyof PageEvents]: [Name, PageEvents[Name]] }[keyof PageEvents];
