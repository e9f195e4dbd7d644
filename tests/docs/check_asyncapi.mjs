// Puts docs/asyncapi.yaml to AsyncAPI's own parser, which the plugin tells about Avro, and to its JSON schema.
// Whether the Avro in it is sound is the business of tests/docs/test_asyncapi.py.
// Run by `make asyncapi`, which installs both. Usage: node check_asyncapi.mjs <folder of node_modules> <document>
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, file] = process.argv.slice(2);
const require = createRequire(resolve(folder, "x.js"));
const { Parser } = require("@asyncapi/parser");
const { AvroSchemaParser } = require("@asyncapi/avro-schema-parser");
const specs = require("@asyncapi/specs");
const Ajv = require("ajv").default ?? require("ajv");
const yaml = require("js-yaml");

const text = readFileSync(file, "utf-8");
const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
const { document, diagnostics } = await parser.parse(text);
const errors = diagnostics.filter((one) => one.severity === 0);
diagnostics.forEach((one) => console.log(one.severity === 0 ? "error" : "note", one.path.join("/"), one.message));

const raw = yaml.load(text);
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false });
const validate = ajv.compile(specs.schemasWithoutId?.[raw.asyncapi] ?? specs.schemas[raw.asyncapi]);
if (!validate(raw)) errors.push(...validate.errors), console.log(validate.errors.slice(0, 10));

if (errors.length || !document) process.exit(1);
const [channels, operations, messages] = ["channels", "operations", "messages"].map((what) => document[what]().all().length);
console.log(`${file}: valid AsyncAPI ${raw.asyncapi}; ${channels} channels, ${operations} operations, ${messages} messages`);
