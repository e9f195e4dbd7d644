// Holds the dashboards against JSON Schemas that are made from the TypeScript types of @grafana/schema.
import { readFileSync, readdirSync } from "node:fs";
import Ajv from "ajv";
import { createGenerator } from "ts-json-schema-generator";

const TYPES = "node_modules/@grafana/schema/dist/types/raw";
const BOARDS = "../dashboards";
const PANELS = { timeseries: ["Options", "FieldConfig"], stat: ["Options"], bargauge: ["Options"], "state-timeline": ["Options", "FieldConfig"] };

function validator(path, type) {
  const schema = createGenerator({ path: `${TYPES}/${path}/x/types.gen.d.ts`, tsconfig: "tsconfig.json", type, skipTypeCheck: true }).createSchema(type);
  return new Ajv({ allErrors: true, strict: false }).compile(schema);
}

const dashboard = validator("dashboard", "Dashboard");
const parts = Object.fromEntries(
  Object.entries(PANELS).map(([kind, types]) => [
    kind,
    Object.fromEntries(types.map((type) => [type, validator(`composable/${kind.replace("-", "")}/panelcfg`, type)])),
  ])
);

let faults = 0;
function hold(where, validate, value) {
  if (validate(value)) return;
  for (const error of validate.errors) {
    faults += 1;
    console.log(`${where}${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
  }
}

let panels = 0;
for (const name of readdirSync(BOARDS)) {
  const board = JSON.parse(readFileSync(`${BOARDS}/${name}`, "utf8"));
  // What Prometheus's own editor keeps with an annotation is in no type of @grafana/schema.
  for (const one of board.annotations.list) for (const key of ["expr", "step", "titleFormat"]) delete one[key];
  hold(name, dashboard, board);
  for (const panel of board.panels) {
    panels += 1;
    const known = parts[panel.type];
    if (!known) throw new Error(`${name}: no types for a panel of the sort ${panel.type}`);
    hold(`${name} ${panel.title} options`, known.Options, panel.options);
    if (known.FieldConfig) hold(`${name} ${panel.title} custom`, known.FieldConfig, panel.fieldConfig.defaults.custom ?? {});
  }
}
console.log(`${panels} panels, ${faults} faults`);
process.exit(faults ? 1 : 0);
