// Draws every dashboard into docs/pictures, from out/monitoring/answers.json. Needs Chromium: CHROMIUM=/path/to/it.
// THEME=dark draws them dark, PICTURES=folder puts them elsewhere.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const CHROMIUM = process.env.CHROMIUM ?? "chromium";
const MODE = process.env.THEME ?? "light", FOLDER = process.env.PICTURES ?? "../../../docs/pictures";
const WIDTH = 1400, ROW = 36, HEAD = 52;
const answers = JSON.parse(readFileSync("../../../out/monitoring/answers.json", "utf8"));
const times = Object.values(answers).flatMap((found) => found.flatMap(({ values }) => [values[0][0], values.at(-1)[0]]));
const [from, to] = [Math.min(...times), Math.max(...times)];

const folder = mkdtempSync(join(tmpdir(), "ringfence-pictures-"));
await build({
  entryPoints: ["page.jsx"], bundle: true, outfile: join(folder, "page.js"), format: "iife", jsx: "automatic", logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  loader: { ".svg": "dataurl", ".png": "dataurl", ".woff2": "dataurl", ".ttf": "empty" },
});
for (const name of readdirSync("../dashboards")) {
  const board = JSON.parse(readFileSync(`../dashboards/${name}`, "utf8"));
  const height = HEAD + ROW * Math.max(...board.panels.map(({ gridPos: { y, h } }) => y + h));
  const page = join(folder, name.replace(".json", ".html"));
  const given = JSON.stringify({ board, answers, from, to, width: WIDTH, mode: MODE });
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><body style="margin:0;overflow:hidden"><link rel="stylesheet" href="page.css"><div id="root"></div>
<script>window.RINGFENCE=${given.replaceAll("<", "\\u003c")}</script><script src="page.js"></script>`);
  const picture = resolve(FOLDER, `dashboard-${name.replace(".json", ".png")}`);
  execFileSync(CHROMIUM, ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", `--window-size=${WIDTH},${height}`,
    "--virtual-time-budget=15000", `--screenshot=${picture}`, `file://${page}`], { stdio: ["ignore", "inherit", process.env.DEBUG ? "inherit" : "ignore"] });
  console.log(picture);
}
rmSync(folder, { recursive: true });
