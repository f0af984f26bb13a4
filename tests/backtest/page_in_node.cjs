// Runs a page's own scripts without a browser: charts are drawn as SVG by the page's own ECharts. Prints what they show.
const fs = require("fs"), vm = require("vm");
const html = fs.readFileSync(process.argv[2], "utf8");
const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((found) => found[1]);
const pen = { measureText: (text) => ({ width: 7 * text.length }) };
globalThis.matchMedia = () => ({ matches: true });
globalThis.addEventListener = () => {};
globalThis.document = { getElementById: (id) => ({ id }), createElement: () => ({ getContext: () => pen }) };
vm.runInThisContext(scripts[0]);
const drawn = {}, library = globalThis.echarts;
globalThis.echarts = {
  ...library,
  init: (place) => (drawn[place.id] = library.init(null, null, { renderer: "svg", ssr: true, width: 1200, height: 750 })),
};
vm.runInThisContext(scripts[1]);
const told = Object.fromEntries(Object.entries(drawn).map(([id, chart]) => [id, {
  svg: chart.renderToSVGString().length,
  series: chart.getOption().series.map((one) => [one.name, one.type, one.data.length]),
}]));
fs.writeSync(1, JSON.stringify(told));
process.exit(0);
