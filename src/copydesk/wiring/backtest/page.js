"use strict";
// Draws what the page's data holds; `echarts` and `data` are defined before.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const ink = dark ? "#c9ced6" : "#33393f", line = dark ? "#333a42" : "#dfe3e8";
const up = "#26a69a", down = "#ef5350", blue = "#4f9cf9", amber = "#f0a33a";
const money = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 2 });
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function start(name, options) {
  const chart = echarts.init(document.getElementById(name), null, { renderer: "canvas" });
  chart.setOption({ animation: false, backgroundColor: "transparent", textStyle: { color: ink }, ...options });
  addEventListener("resize", () => chart.resize());
  return chart;
}

const category = (extra) => ({
  type: "category", data: data.times, boundaryGap: true, axisLine: { lineStyle: { color: line } },
  axisLabel: { color: ink }, ...extra,
});
const values = (name, extra) => ({
  type: "value", name, scale: true, nameTextStyle: { color: ink }, axisLabel: { color: ink },
  splitLine: { lineStyle: { color: line } }, ...extra,
});

// A trade is a line from its entry to its exit; a break follows each.
const segments = (won) => data.trades.filter((one) => one.won === won)
  .flatMap((one) => [[one.from, one.entry], [one.to, one.exit], [one.to, null]]);
const entries = (rising) => data.trades.filter((one) => one.rising === rising)
  .map((one) => ({ value: [one.from, one.entry], trade: one }));
const exits = data.trades.map((one) => ({
  value: [one.to, one.exit], trade: one, itemStyle: { color: one.won ? up : down },
}));
const about = (one) => `<b>${escaped(one.side)}</b> ${escaped(one.opened)} → ${escaped(one.closed)}<br>` +
  `${escaped(one.entry)} → ${escaped(one.exit)} (${escaped(one.why)})<br>result <b>${money(one.net)}</b><br>${escaped(one.reason)}`;
const marks = (name, points, symbol, rotate, color) => ({
  name, type: "scatter", data: points, symbol, symbolRotate: rotate, symbolSize: 9, z: 5, itemStyle: { color },
  tooltip: { trigger: "item", formatter: (point) => about(point.data.trade) },
});
const drawn = (name, won, color) => ({
  name, type: "line", data: segments(won), showSymbol: false, connectNulls: false, silent: true, z: 4,
  lineStyle: { color, width: 1.5, type: "dashed" }, itemStyle: { color }, tooltip: { show: false },
});

function candlesAndAccount() {
  const grids = [{ top: 40, height: 330 }, { top: 420, height: 150 }, { top: 605, height: 90 }]
    .map((grid) => ({ left: 70, right: 24, ...grid }));
  return {
    legend: { top: 4, textStyle: { color: ink } },
    tooltip: { trigger: "axis", axisPointer: { type: "cross" } },
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    grid: grids,
    xAxis: [0, 1, 2].map((at) => category({ gridIndex: at, axisLabel: { show: at === 2, color: ink } })),
    yAxis: [
      values("price", { gridIndex: 0 }), values("account", { gridIndex: 1 }),
      values("drawdown %", { gridIndex: 2, inverse: true, min: 0 }),
    ],
    dataZoom: [
      { type: "inside", xAxisIndex: [0, 1, 2], start: 0, end: 100 },
      { type: "slider", xAxisIndex: [0, 1, 2], bottom: 8, height: 24, textStyle: { color: ink } },
    ],
    series: [
      { name: "candles", type: "candlestick", data: data.candles,
        itemStyle: { color: up, color0: down, borderColor: up, borderColor0: down } },
      drawn("won", true, up), drawn("lost", false, down),
      marks("long or CALL", entries(true), "triangle", 0, blue),
      marks("short or PUT", entries(false), "triangle", 180, amber),
      marks("end", exits, "diamond", 0, ink),
      { name: "account", type: "line", xAxisIndex: 1, yAxisIndex: 1, data: data.account, showSymbol: false,
        lineStyle: { width: 1.5 }, itemStyle: { color: blue }, areaStyle: { opacity: 0.08 } },
      { name: "drawdown", type: "line", xAxisIndex: 2, yAxisIndex: 2, data: data.drawdown, showSymbol: false,
        itemStyle: { color: down }, areaStyle: { opacity: 0.25 } },
    ],
  };
}

function heatMap() {
  const cells = data.heat.cells, most = Math.max(...cells.map((cell) => Math.abs(cell[2])), 0.01);
  return {
    tooltip: { formatter: (point) => `${data.heat.x} ${data.heat.xs[point.value[0]]}, ` +
      `${data.heat.y} ${data.heat.ys[point.value[1]]}<br>return <b>${point.value[2]} %</b><br>${point.value[3]} trades` },
    grid: { left: 90, right: 24, top: 16, bottom: 90 },
    xAxis: { type: "category", data: data.heat.xs, name: data.heat.x, nameLocation: "middle", nameGap: 28, axisLabel: { color: ink } },
    yAxis: { type: "category", data: data.heat.ys, name: data.heat.y, axisLabel: { color: ink } },
    visualMap: { min: -most, max: most, calculable: true, orient: "horizontal", left: "center", bottom: 4, dimension: 2,
      textStyle: { color: ink }, inRange: { color: [down, dark ? "#2a2f36" : "#f4f4f4", up] } },
    series: [{ type: "heatmap", data: cells, label: { show: cells.length <= 400, formatter: (point) => point.value[2].toFixed(1), fontSize: 10 } }],
  };
}

start("market", candlesAndAccount());
if (data.heat) start("heat", heatMap());
