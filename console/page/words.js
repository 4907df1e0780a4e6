// words: what the page says, in the language of the browser.  Both tables have the same keys (a test looks).

const en = {
  live: "live", connecting: "connecting …",
  lost: (since) => `No connection to the monitor since ${since}. What you see below is as it was then.`,
  refusedPage: (why) => `The monitor refuses: ${why}`,
  drill: "EXERCISE", test: "TEST",
  soundOff: "Turn sound on", soundOn: "Sound is on", silence: "Silence",
  flood: (count) => `${count} alarms were raised in the last 10 minutes. The worst stand first.`,
  alarms: (count) => `Alarms (${count})`, noAlarms: "No alarm.", showAll: (count) => `also shelved, suppressed, out of service (${count})`,
  points: "Points", onlyBad: "only those in trouble", search: "search points", more: (count) => `${count} more; search to narrow them down.`,
  point: "point", value: "value", status: "status", time: "time", unheard: "not heard of yet",
  events: "What happened",
  levels: { red: "red", orange: "orange", yellow: "yellow", blue: "blue" },
  states: { active: "active", returned: "returned", shelved: "shelved", suppressed: "suppressed", out_of_service: "out of service" },
  unacked: "not acknowledged", acked: "acknowledged", blind: "blind: a sensor is lost",
  since: (time) => `last change ${time}`, occurrence: (n) => `occurrence ${n}`,
  act: { ack: "Acknowledge", shelve: "Shelve", unshelve: "Unshelve", comment: "Comment", close: "Close" },
  by: "Your name", comment: "Comment", reason: "Reason", cause: "Cause", measure: "Measure taken", howLong: "For how long",
  cancel: "Cancel", notSent: (why) => `Not done: ${why}`,
  trendNone: "No sample with a value in this stretch.", trendBad: "The history cannot be read: ",
  spans: { 3600000: "1 h", 28800000: "8 h", 86400000: "24 h", 604800000: "7 d" },
  event: { raised: "raised", worsened: "worsened", eased: "eased", cleared: "cleared", blind: "blind", sighted: "sighted", acked: "acknowledged",
    unacked: "acknowledgement void", shelved: "shelved", unshelved: "unshelved", suppressed: "suppressed", unsuppressed: "unsuppressed",
    out_of_service: "out of service", in_service: "in service", commented: "comment", closed: "closed" },
};

const zh = {
  live: "实时", connecting: "正在连接 …",
  lost: (since) => `自 ${since} 起与监测主机失去连接,以下为当时的状态。`,
  refusedPage: (why) => `监测主机拒绝:${why}`,
  drill: "演练", test: "测试",
  soundOff: "打开声音", soundOn: "声音已开", silence: "消音",
  flood: (count) => `最近 10 分钟内发生 ${count} 条报警,最严重的排在最前。`,
  alarms: (count) => `报警(${count})`, noAlarms: "无报警。", showAll: (count) => `包括搁置、抑制、停用的报警(${count})`,
  points: "测点", onlyBad: "只看异常测点", search: "搜索测点", more: (count) => `另有 ${count} 个测点,请用搜索缩小范围。`,
  point: "测点", value: "数值", status: "状态", time: "时间", unheard: "尚无数据",
  events: "事件",
  levels: { red: "红色", orange: "橙色", yellow: "黄色", blue: "蓝色" },
  states: { active: "报警中", returned: "已恢复", shelved: "已搁置", suppressed: "已抑制", out_of_service: "停用" },
  unacked: "未确认", acked: "已确认", blind: "失明:传感器丢失",
  since: (time) => `最近变化 ${time}`, occurrence: (n) => `第 ${n} 次`,
  act: { ack: "确认", shelve: "搁置", unshelve: "取消搁置", comment: "备注", close: "闭环" },
  by: "姓名", comment: "备注", reason: "原因", cause: "原因分析", measure: "处置措施", howLong: "时长",
  cancel: "取消", notSent: (why) => `未执行:${why}`,
  trendNone: "该时段没有有效数据。", trendBad: "历史数据无法读取:",
  spans: { 3600000: "1 小时", 28800000: "8 小时", 86400000: "24 小时", 604800000: "7 天" },
  event: { raised: "报警", worsened: "升级", eased: "降级", cleared: "解除", blind: "失明", sighted: "恢复监测", acked: "确认",
    unacked: "确认失效", shelved: "搁置", unshelved: "取消搁置", suppressed: "抑制", unsuppressed: "解除抑制",
    out_of_service: "停用", in_service: "启用", commented: "备注", closed: "闭环" },
};

export const tables = { en, zh };

// The table for the first of the browser's languages that there is one for.
export function choose(languages) {
  for (const language of languages) {
    const table = tables[language.toLowerCase().split("-")[0]];
    if (table !== undefined) {
      return table;
    }
  }
  return en;
}
