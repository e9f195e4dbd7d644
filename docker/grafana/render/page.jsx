// Draws one dashboard with Grafana's own components, from the answers that Prometheus gave to its queries.
import "uplot/dist/uPlot.min.css";
import { createRoot } from "react-dom/client";
import {
  applyFieldOverrides, createTheme, dateTime, FieldConfigOptionsRegistry, FieldType, formattedValueToString,
  getFieldDisplayValues, getDisplayProcessor, standardFieldConfigEditorRegistry, standardTransformersRegistry, ThemeContext, toDataFrame,
} from "@grafana/data";
import { BarGauge, BigValue, GlobalStyles, PanelChrome, PortalContainer, TimeSeries, VizRepeater } from "@grafana/ui";

const { board, answers, from, to, width, mode } = window.RINGFENCE;
const CELL = width / 24, ROW = 36, GAP = 8;
const theme = createTheme({ colors: { mode } });
const range = { from: dateTime(from * 1000), to: dateTime(to * 1000), raw: { from: "now-15m", to: "now" } };
const named = (legend, labels) => legend.replace(/{{(\w+)}}/g, (_, label) => labels[label] ?? "").trim();

// The options of a field that the dashboards set or override; Grafana registers many more.
const OPTIONS = ["unit", "min", "max", "decimals", "noValue", "mappings", "thresholds", "color", "displayName"];
const registry = new FieldConfigOptionsRegistry(() =>
  OPTIONS.map((id) => ({ id, path: id, name: id, process: (value) => value, shouldApply: () => true, override: () => null, editor: () => null }))
);
standardFieldConfigEditorRegistry.setInit(() => registry.list());

function frames(panel) {
  const data = panel.targets.flatMap((target) =>
    (answers[`${board.uid}/${panel.id} ${panel.title}/${target.refId}`] ?? []).map(({ metric, values }) =>
      toDataFrame({
        refId: target.refId,
        fields: [
          { name: "Time", type: FieldType.time, values: values.map(([at]) => at * 1000) },
          { name: "Value", type: FieldType.number, labels: metric, values: values.map(([, value]) => Number(value)),
            config: { displayNameFromDS: named(target.legendFormat, metric) } },
        ],
      })
    )
  );
  const config = { ...panel.fieldConfig, defaults: { ...panel.fieldConfig.defaults, color: panel.fieldConfig.defaults.color ?? { mode: panel.type === "timeseries" ? "palette-classic" : "thresholds" } } };
  const made = applyFieldOverrides({ data, fieldConfig: config, replaceVariables: (text) => text, theme, timeZone: "Europe/London", fieldConfigRegistry: registry });
  const custom = panel.fieldConfig.defaults.custom;
  for (const frame of made) for (const field of frame.fields) if (custom && field.type === FieldType.number) field.config.custom = { ...custom };
  return [made, config];
}

function displays(panel) {
  const [data, fieldConfig] = frames(panel);
  return getFieldDisplayValues({ fieldConfig, data, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text, theme, sparkline: panel.options.graphMode === "area", timeZone: "Europe/London" });
}

function Words({ panel, width, height }) { // the state timeline is in Grafana's core, and in no package
  const [data] = frames(panel);
  return data.map((frame, i) => {
    const [times, values] = frame.fields;
    const show = values.display ?? getDisplayProcessor({ field: values, theme });
    const span = (to - from) * 1000;
    const runs = [];
    times.values.forEach((at, k) => {
      const last = runs[runs.length - 1];
      if (last && last.value === values.values[k]) last.end = at + 1000;
      else runs.push({ value: values.values[k], begin: at, end: at + 1000 });
    });
    return (
      <svg key={i} width={width} height={height / data.length - 10}>
        {runs.map((run, k) => {
          const x = ((run.begin - from * 1000) / span) * width, w = ((run.end - run.begin) / span) * width;
          const shown = show(run.value);
          return (<g key={k}><rect x={x} width={w} height="100%" fill={shown.color} />
            {w > 60 && <text x={x + 8} y="55%" fill="white" fontSize="14">{formattedValueToString(shown)}</text>}</g>);
        })}
      </svg>
    );
  });
}

function Numbers({ panel, width, height }) {
  const values = displays(panel);
  const many = values.length > 1;
  const each = { width: width / values.length, height };
  return (
    <div style={{ display: "flex", gap: 4 }}>
      {values.map((one, i) => (
        <BigValue key={i} value={{ ...one.display, title: many ? one.display.title : undefined }} sparkline={one.sparkline} colorMode={panel.options.colorMode}
          graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode} textMode={many ? "value_and_name" : "value"}
          width={each.width - 4} height={each.height} theme={theme} count={values.length} />
      ))}
    </div>
  );
}

function Bars({ panel, width, height }) {
  return (
    <VizRepeater source={displays(panel)} getValues={() => displays(panel)} width={width} height={height} orientation="horizontal" itemSpacing={6} minVizHeight={12} maxVizHeight={34}
      renderValue={({ value, width, height, alignmentFactors }) => (
        <BarGauge value={value.display} field={value.field} width={width} height={height} orientation="horizontal" displayMode={panel.options.displayMode}
          valueDisplayMode={panel.options.valueMode} showUnfilled={panel.options.showUnfilled} theme={theme} itemSpacing={8} lcdCellWidth={12} text={panel.options.text} display={value.view?.getFieldDisplayProcessor?.(value.colIndex)} />
      )} />
  );
}

function Drawn({ panel, width, height }) {
  if (panel.type === "stat") return <Numbers panel={panel} width={width} height={height} />;
  if (panel.type === "bargauge") return <Bars panel={panel} width={width} height={height} />;
  if (panel.type === "state-timeline") return <Words panel={panel} width={width} height={height} />;
  const [data] = frames(panel);
  if (!data.length) return <p>{panel.fieldConfig.defaults.noValue}</p>;
  return <TimeSeries frames={data} width={width} height={height} timeRange={range} timeZone="Europe/London" legend={panel.options.legend} />;
}

function Board() {
  return board.panels.map((panel) => {
    const { x, y, w, h } = panel.gridPos;
    const style = { position: "absolute", left: x * CELL + GAP / 2, top: y * ROW + 44 };
    return (
      <div key={panel.id} style={style}>
        <PanelChrome title={panel.title} width={w * CELL - GAP} height={h * ROW - GAP}>
          {(width, height) => <Drawn panel={panel} width={width} height={height} />}
        </PanelChrome>
      </div>
    );
  });
}

document.body.style.background = theme.colors.background.canvas;
createRoot(document.getElementById("root")).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles isExtensionFrame={false} />
    <h3 style={{ margin: "8px 12px", fontFamily: theme.typography.fontFamily, color: theme.colors.text.primary }}>{board.title}</h3>
    <PortalContainer />
    <Board />
  </ThemeContext.Provider>
);
