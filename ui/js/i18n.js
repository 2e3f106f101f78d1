// @ts-check
/** The page's own texts. The English text stands where it is used and is the key here. */

/** @typedef {import("./types.js").Language} Language */

/** @type {Record<string, string>} */
const CHINESE = {
  ", ": "、",
  "Logs are not in this window yet": "此窗口尚不能显示日志",
  "On the command line: {command}": "请在命令行使用：{command}",
  "Settings are not in this window yet": "此窗口尚不能更改设置",
  "All that was started is running": "已启动的模块全部运行正常",
  "Allow and start again": "允许并重新启动",
  "Allow this?": "是否允许？",
  "about {n} min left": "约剩 {n} 分钟",
  "about {n} s left": "约剩 {n} 秒",
  "AI-Server Tray is not running": "AI-Server Tray 未运行",
  "AI-Server Tray is not running any more": "AI-Server Tray 已不再运行",
  "Basic services": "基础服务",
  "Building all images": "正在构建全部镜像",
  "Building images of {names}": "正在构建 {names} 的镜像",
  "Cancel": "取消",
  "Connecting…": "正在连接…",
  "Dismiss": "关闭提示",
  "{done} of {total} built": "{done}/{total} 已构建",
  "{done} of {total} fetched": "{done}/{total} 已获取",
  "{done} of {total} ready": "{done}/{total} 已就绪",
  "{done} of {total} removed": "{done}/{total} 已移除",
  "{done} of {total} stopped": "{done}/{total} 已停止",
  "Docker engine {version}": "Docker 引擎 {version}",
  "Engine down": "引擎未运行",
  "Everything is running": "全部运行正常",
  "Features": "功能模块",
  "Fetching all images": "正在获取全部镜像",
  "Fetching images of {names}": "正在获取 {names} 的镜像",
  "Images of {names} could not be built": "无法构建 {names} 的镜像",
  "Images of {names} could not be fetched": "无法获取 {names} 的镜像",
  "In error": "出错",
  "It is looked for.": "正在查找。",
  "{names} could not be removed": "无法移除 {names}",
  "{names} could not be restarted": "无法重启 {names}",
  "{names} could not be started": "无法启动 {names}",
  "{names} could not be stopped": "无法停止 {names}",
  "No longer in the catalog": "已不在目录中",
  "Not all images could be built": "部分镜像无法构建",
  "Not all images could be fetched": "部分镜像无法获取",
  "Not everything could be removed": "部分模块无法移除",
  "Not everything could be restarted": "部分模块无法重启",
  "Not everything could be started": "部分模块无法启动",
  "Not everything could be stopped": "部分模块无法停止",
  "Nothing is running": "当前没有运行任何模块",
  "Modules healthy: {ready} of {total}": "{total} 个模块中有 {ready} 个运行正常",
  "Modules still to stop: {count}": "尚待停止的模块：{count}",
  "Open": "打开",
  "Open the address that aiserver-tray serve has printed last.": "请打开 aiserver-tray serve 最近一次输出的地址。",
  "Partly running": "部分运行",
  "Please note": "请注意",
  "Progress": "进度",
  "Ready when you are": "一切就绪，可以开始",
  "Removing all": "正在移除全部模块",
  "Removing {names}": "正在移除 {names}",
  "Restart": "重启",
  "Restarting all": "正在重启全部模块",
  "Restarting {names}": "正在重启 {names}",
  "Running": "运行中",
  "Something needs your attention": "有问题需要处理",
  "Start": "启动",
  "Start AI-Server Tray; this window then goes on by itself.": "请启动 AI-Server Tray，本窗口会自动恢复。",
  "Start all": "全部启动",
  "Start all starts {names} with the basic services needed for that. The first time, images are downloaded, which may take some minutes.": "“全部启动”会启动 {names} 以及它们所需的基础服务。首次启动需要下载镜像，可能要几分钟。",
  "Start engine": "启动引擎",
  "Starting": "正在启动",
  "Starting all": "正在启动全部模块",
  "Starting {names}": "正在启动 {names}",
  "Starting the engine…": "正在启动引擎…",
  "Stop": "停止",
  "Stop all": "全部停止",
  "Stop everything?": "停止全部模块？",
  "Stop {name}?": "停止 {name}？",
  "Stopped": "已停止",
  "Stopping": "正在停止",
  "Stopping all": "正在停止全部模块",
  "Stopping {names}": "正在停止 {names}",
  "That did not work": "操作未成功",
  "The answer did not come: the connection to AI-Server Tray broke. It may have been done all the same; look at the state.": "没有收到答复：与 AI-Server Tray 的连接已中断。该操作可能已经执行，请查看当前状态。",
  "The Docker engine is not running": "Docker 引擎未运行",
  "There are no modules in the catalog.": "目录中没有模块。",
  "This session is over": "本次会话已结束",
  "used by {names}": "被 {names} 使用",
  "{users} need it and will be stopped first. All data stays.": "{users} 需要它，会先被停止。所有数据都会保留。",
  "waiting for another operation": "正在等待另一项操作",
  "What you see is how it was. Start it again with: aiserver-tray serve": "现在显示的是之前的状态。请重新启动：aiserver-tray serve",
  "Who works with {names} will be interrupted. All data stays.": "正在使用 {names} 的人会被中断。所有数据都会保留。",
};

/** @type {Language} Until the host has said which, that of the reader's system. */
let language = navigator.language.startsWith("zh") ? "zh" : "en";
document.documentElement.lang = language;

/** @param {Language} chosen */
export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
}

/**
 * `text` in the reader's language, with its values.
 * @param {string} text @param {Record<string, unknown>} [values]
 */
export function t(text, values = {}) {
  const template = language === "zh" ? (CHINESE[text] ?? text) : text;
  return template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
