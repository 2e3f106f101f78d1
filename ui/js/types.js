// @ts-check
/**
 * The values that the host of the core sends (aiserver_tray/contract.py).
 *
 * @typedef {"stopped"|"starting"|"running"|"degraded"|"error"|"stopping"|"engine_down"} State
 * @typedef {{setting: string, value: string, question: string}} Fix what has to be set, and what to
 *   ask before
 * @typedef {{code: string, message: string, data?: {errors?: Failure[], fix?: Fix}}} Failure
 * @typedef {{service: string, address: string, host: number, container: number, protocol: string}} Port
 * @typedef {{name: string, kind: "basic"|"feature", title?: string, summary?: string, state: State,
 *   ready: number, total: number, reason: string|null, orphan: boolean, wanted: boolean,
 *   usedBy: string[], ports: Port[], open: string|null, problem: string|null,
 *   abilities: Record<ModuleAction, string|null>}} Module
 * @typedef {"start"|"stop"|"stopWithUsers"|"restart"|"open"|"logs"|"remove"} ModuleAction each is
 *   possible, or the ability says why not
 * @typedef {"up"|"stop"|"down"|"restart"|"pull"|"build"} OperationKind
 * @typedef {{id: string, kind: OperationKind, modules: string[],
 *   status: "waiting"|"running"|"succeeded"|"failed"|"cancelled", done: number, total: number,
 *   text: string|null, secondsLeft: number|null, error: Failure|null, notices: string[],
 *   foreign: boolean, revival: boolean}} Operation
 * @typedef {{running: boolean, version: string|null, error: Failure|null,
 *   starting?: boolean}} Engine
 * @typedef {{language: Language, engine: Engine, state: State, modules: Module[],
 *   operations: Operation[], abilities: Record<"start"|"stop"|"cancel", string|null>,
 *   chosen: string[]}} Snapshot
 * @typedef {{success: boolean, code: string|null, message: string, data: any}} Envelope
 * @typedef {"en"|"zh"} Language
 * @typedef {{page: string, language: Language}} Hello
 *
 * And those of the page itself.
 *
 * connecting: nothing heard yet; lost: the host went away, and is looked for; ended: it wants a new
 * address.
 * @typedef {"connecting"|"up"|"lost"|"ended"} Connection
 * @typedef {{title: string, text: string, action: string, run: () => void}} Question
 * @typedef {{connection: Connection, snapshot: Snapshot|null, page: string, canStartEngine: boolean,
 *   startingEngine: boolean, asked: ReadonlySet<string>, failures: (Failure & {id: string})[],
 *   dismissed: ReadonlySet<string>, question: Question|null}} PageState
 */
export {};
