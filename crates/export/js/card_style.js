// How the card looks. A sheet that is made by a script needs no inline style of the page.

const CSS = `
:host {
  --surface: light-dark(#ffffff, #14161a);
  --sunken: light-dark(#f1f1ee, #0f1115);
  --hover: light-dark(#f6f6f3, #191c21);
  --line: light-dark(#e5e5e1, #25282d);
  --line-2: light-dark(#d3d3ce, #35383f);
  --ink: light-dark(#16181e, #ebedf0);
  --ink-2: light-dark(#474a52, #b1b4bb);
  --ink-3: light-dark(#636870, #90949b);
  --accent: light-dark(#2346bc, #96abf9);
  --accent-solid: light-dark(#2346bc, #3b5bd4);
  --accent-solid-2: light-dark(#1835a3, #4766dd);
  --on-accent: #ffffff;
  --ok: light-dark(#107766, #66d5ba);
  --ok-tint: light-dark(#e5f5f0, #112a26);
  --warn: light-dark(#8f5d04, #f0ba5f);
  --warn-tint: light-dark(#fdf3de, #2e2312);
  --bad: light-dark(#a50a2b, #f36d7b);
  --bad-tint: light-dark(#fdeef0, #361a1f);
  --on-bad: light-dark(#ffffff, #1c090c);
  --shadow: light-dark(rgb(0 0 0 / 6%), rgb(0 0 0 / 40%));
  --s-llm: light-dark(#2f3e9e, #5b64dc);
  --s-mcp: light-dark(#1d9fc9, #88c4e8);
  --s-shell: light-dark(#2b3140, #e3e7f0);
  --s-kubernetes: light-dark(#33886c, #44ab7b);
  --s-forward-proxy: light-dark(#855cb4, #b487f5);
  --s-aws: light-dark(#ad9100, #ffc87b);
  --s-sandbox: light-dark(#863f68, #b94b90);
  --s-other: light-dark(#82858c, #7c818a);
  color-scheme: light dark;
  display: block;
  box-sizing: border-box;
  width: 100%;
  min-width: 320px;
  max-width: 360px;
  font: 400 13px/20px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  color: var(--ink);
  text-align: start;
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
.card { background: var(--surface); border: 1px solid var(--line-2); border-radius: 10px; box-shadow: 0 1px 2px var(--shadow); overflow: hidden; }
.failed .card, .card.failed { border-color: var(--bad); }
header { display: flex; gap: 12px; align-items: center; padding: 12px 16px; border-bottom: 1px solid var(--line); --ground: var(--surface); background: var(--ground); }
.witnessed header { --ground: var(--ok-tint); }
.failed header { --ground: var(--bad-tint); }
.unpinned header { --ground: var(--warn-tint); }
.offline header { --ground: var(--sunken); }
header .g { flex: none; }
.witnessed header .g, .verified header .g { color: var(--ok); }
.pending header .g { color: var(--ink-2); }
.failed header .g { color: var(--bad); }
.unpinned header .g { color: var(--warn); }
.offline header .g { color: var(--ink-3); }
.headline { font-size: 14px; font-weight: 600; }
.second { font-size: 12px; line-height: 16px; color: var(--ink-2); }
.g { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; vertical-align: -2px; }
.g [fill] { stroke-width: 1; }
.g .on-solid { stroke: var(--ground, var(--surface)); stroke-width: 2; }
.what { padding: 12px 16px; border-bottom: 1px solid var(--line); font-size: 12px; line-height: 18px; color: var(--ink-2); }
.what p { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; margin: 0; overflow: hidden; overflow-wrap: anywhere; }
.what b { font-weight: 500; color: var(--ink); }
.what .action { font: 400 12px/18px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-variant-ligatures: none; color: var(--ink); }
.what .resource { color: var(--ink-3); }
.steps { display: flex; gap: 8px; align-items: center; min-height: 24px; margin-top: 8px; }
.steps .here { border: 1px solid var(--line-2); border-radius: 4px; padding: 2px; background: var(--sunken); line-height: 0; }
.steps .g { vertical-align: top; }
ul { list-style: none; margin: 0; padding: 4px 16px 8px; font-size: 12px; line-height: 16px; }
li { display: grid; grid-template-columns: 16px auto 1fr; gap: 0 8px; align-items: center; min-height: 25px; }
li .value { text-align: end; color: var(--ink-2); overflow-wrap: anywhere; }
li .g { color: var(--ink-3); }
li.ok .g { color: var(--ok); }
li.unpinned .g { color: var(--warn); }
li.wait { color: var(--ink-2); }
li.wait .value { color: var(--ink-3); }
li.bad { padding-top: 4px; color: var(--bad); font-weight: 600; }
li.bad .g { color: var(--bad); }
li.bad .value { color: var(--bad); }
li.bad .why { grid-column: 2 / 4; font-weight: 400; color: var(--ink-2); padding-bottom: 4px; overflow-wrap: anywhere; }
.hashes { display: grid; margin: 0; grid-template-columns: max-content 1fr; gap: 0 8px; font-weight: 400; }
.hashes dt { color: var(--ink-2); }
.hashes dd { margin: 0; font: 400 12px/18px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; color: var(--ink); overflow-wrap: anywhere; }
.hashes dd.computed { color: var(--bad); }
footer { display: flex; gap: 8px; padding: 8px; border-top: 1px solid var(--line); }
footer > * { flex: 1; display: inline-flex; gap: 8px; align-items: center; justify-content: center; box-sizing: border-box; min-height: 28px; padding: 0 8px; border: 1px solid var(--line-2); border-radius: 6px; background: var(--surface); color: var(--ink); font-family: inherit; font-size: 12px; font-weight: 500; line-height: 16px; text-decoration: none; cursor: pointer; }
footer > *:hover { background: var(--hover); }
footer > .primary { background: var(--accent-solid); border-color: var(--accent-solid); color: var(--on-accent); }
footer > .primary:hover { background: var(--accent-solid-2); }
footer > *:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
${["llm", "mcp", "shell", "kubernetes", "forward-proxy", "aws", "sandbox", "other"].map((source) => `.s-${source} { color: var(--s-${source}); }`).join("\n")}
@media (pointer: coarse) { footer > * { min-height: 44px; } }
@media (forced-colors: active) { .card { border-color: CanvasText; } header { --ground: Canvas; } }
`;

let sheet = null;

/** The sheet, shared by all cards of a page. */
export function cardStyle() {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
