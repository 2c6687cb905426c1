// A line chart of some series over the epochs, as SVG.
import { element, shape } from "./dom.js";

const Width = 340, Height = 150;
const Left = 40, Right = 8, Top = 8, Bottom = 22;

/** `series`: [{ name, className, values }], values by epoch, null where there is none. `axis`: { span, top }: it shows no less than `span`, from 0 to `top`. `format` writes a value. */
export function curves(title, series, epochs, axis, format) {
  const all = series.flatMap((s) => s.values).filter((value) => value != null);
  const [low, high, step] = scale(Math.min(...all), Math.max(...all), axis);
  const x = (index) => Left + (Width - Left - Right) * (epochs > 1 ? index / (epochs - 1) : 0.5);
  const y = (value) => Top + (Height - Top - Bottom) * (1 - (value - low) / (high - low));

  const chart = shape("svg", { viewBox: `0 0 ${Width} ${Height}`, class: "chart", "aria-hidden": "true" });
  for (let value = low; value < high + step / 2; value += step) {
    chart.append(shape("line", { class: "grid", x1: Left, x2: Width - Right, y1: y(value), y2: y(value) }));
    chart.append(shape("text", { class: "tick", x: Left - 6, y: y(value) + 3.5, "text-anchor": "end" }, format(value)));
  }
  const every = Math.ceil(epochs / 8);
  for (let epoch = 1; epoch <= epochs; epoch += every)
    chart.append(shape("text", { class: "tick", x: x(epoch - 1), y: Height - 5, "text-anchor": "middle" }, String(epoch)));

  for (const { className, values } of series) {
    const points = values.map((value, index) => (value == null ? null : [x(index), y(value)])).filter(Boolean);
    chart.append(shape("polyline", { class: `line ${className}`, points: points.map((p) => p.map((c) => c.toFixed(1)).join(",")).join(" ") }));
    const last = points.at(-1);
    if (last) chart.append(shape("circle", { class: `dot ${className}`, cx: last[0], cy: last[1], r: 3.5 }));
  }
  const key = series.map(({ name, className, values }) => element("span", { className: `key ${className}` }, `${name} ${format(values.findLast((v) => v != null), true)}`));
  return element("figure", { className: "curves" }, element("figcaption", {}, element("b", {}, title), ...key), chart);
}

/** Round bounds and step around [low, high]: 1, 2 or 5 times a power of ten, about four steps. */
function scale(low, high, axis) {
  const span = Math.max(high - low, axis.span);
  low = Math.max(0, Math.min((low + high - span) / 2, axis.top - span));
  high = Math.max(high, low + span);
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power * 4 >= span);
  const from = step * Math.floor(low / step);
  return [from, Math.max(step * Math.ceil(high / step - 1e-9), from + step), step];
}
