// @ts-check
/** Other names by which people look for something, in both languages, whatever language they read. */

/** @type {Record<string, string>} By the English title of a page, an action or a row, or by the address of a setting. */
export const SYNONYMS = {
  Home: "dashboard overview status start page 概览 首页 主页 状态",
  Actions: "run command reset password account login reveal repair rebuild 操作 重置 密码 账户 登录",
  Terminal: "shell exec console command bash sh 终端 命令行 控制台",
  Alerts: "alerts rules warnings watch 告警 警报 规则",
  Logs: "logs errors messages output console lines log 日志 错误 输出",
  Monitoring: "cpu memory ram usage performance resources charts graphs network disk space storage 监控 内存 性能 资源 磁盘 空间 占用",
  Activity: "history journal events operations what happened 历史 记录 操作",
  Doctor: "check diagnose problems health repair fix help support bundle troubleshoot 诊断 检查 修复 问题 帮助",
  Settings: "preferences options configuration config 首选项 选项 配置",
  "All shortcuts": "keyboard keys hotkeys help 键盘 快捷键 热键",
  "Start all": "up run everything launch on 全部 启动 开始",
  "Stop all": "down everything shut off quit end 全部 停止 关闭",
  "New alert rule": "alarm notify watch condition 新建 告警 规则",
  "Add a module": "compose new own install import container app folder plus 新建 自己 导入 安装 容器",
  "Start at login": "autostart boot sign in automatically launch 开机 自启 自动 登录",
  "Single-key shortcuts": "keyboard keys hotkeys letters 键盘 快捷键 单键",
  "Start all starts": "chosen default selection 默认 选择",
  "Logs by module": "delete clear logs space 删除 清理 清除 日志",
  "Folder of settings": "home path location data directory 路径 位置 目录",
  Libraries: "licences licenses packages open source third party 许可证 开源 依赖",
  "Version of AI-Server Tray": "update upgrade about release 更新 升级 关于 版本",
  "app.language": "language english chinese translation locale 语言 英文 中文 翻译",
  "app.theme": "theme dark light mode night colours colors appearance look 主题 深色 浅色 暗色 夜间 外观 颜色",
  "app.bind": "network lan phone remote access expose public other devices address 局域网 手机 远程 访问 网络 对外",
  "app.engine": "docker engine host socket podman context 引擎 主机",
  "app.mirrors": "mirrors registry proxy download slow pull images speed china 镜像 加速 下载 代理 拉取 国内",
  "app.kernel_settings": "kernel sysctl max_map_count linux 内核 参数",
  "app.module_folders": "own modules folders catalog path 自己 模块 文件夹 目录",
  "app.logs_keep": "logs keep store save retention 日志 保留 保存",
  "app.logs_keep_days": "logs retention days age delete old 日志 天数 期限 过期",
  "app.logs_keep_size": "logs size disk space limit 日志 大小 空间 磁盘",
  "app.logs_not_kept": "logs exclude modules private 日志 排除 隐私",
  "app.logs_engine_size": "logs docker rotation size 日志 轮转 大小",
  "app.notify_alerts": "notifications alerts messages popups 通知 提醒 告警 弹窗",
  "app.notify_operations": "notifications done finished 通知 提醒 完成",
  "app.notify_engine": "notifications docker stops 通知 提醒 引擎",
  "app.alert_webhook": "webhook ntfy slack push phone alerts url 推送 告警 手机",
  "app.alert_format": "webhook ntfy json 格式 推送",
  "app.start_desired": "restore startup launch reopen 恢复 启动",
  "app.stop_unused_basics": "unused save memory idle basic services 闲置 节省 内存 基础",
};

/** @type {Record<string, string>} Of all settings of a type. */
export const OF_TYPE = {
  port: "port address 端口 地址",
  size: "memory ram limit 内存 上限",
  secret: "secret key token credentials 密码 密钥 令牌",
  timezone: "timezone time zone clock 时区 时间",
  boolean: "",
  choice: "choice 选择",
  text: "",
  folder: "path directory 文件夹 目录 路径",
};

/** @type {Record<string, string>} Of what is done with one module. */
export const OF_ACTION = {
  open: "show browser page web visit 打开 网页 访问",
  start: "run up launch on 启动 开始 运行",
  restart: "reboot again reload 重启",
  stop: "end down off shut 停止 关闭",
  remove: "delete uninstall 删除 卸载 移除",
};
