"""The page's look: inline, light and dark, from a phone to a wall."""

CSS = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #fff; --ink: #1b1b1a; --soft: #5c5b57; --line: #dcd9d0;
  --good: #1c6b45; --bad: #a8231a; --mark: #d0021b; --fallback: #d9d5ca; --fallback-ink: #403f3b; }
@media (prefers-color-scheme: dark) { :root { --paper: #161616; --card: #1f1f1e; --ink: #eeece6; --soft: #a9a69d;
  --line: #3a3936; --good: #6fcf9d; --bad: #ff8a7d; --mark: #ff5a4d; --fallback: #3a3936; --fallback-ink: #d6d3ca; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: clamp(1.5rem, 5vw, 2.25rem); line-height: 1.15; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
.lead, .soft, figcaption, caption { color: var(--soft); }
.lead { max-width: 45rem; margin: 0 0 1.25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; padding: 0; margin: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem;
  display: flex; flex-direction: column-reverse; }
.facts dt { color: var(--soft); font-size: .85rem; line-height: 1.3; }
.facts dd { margin: 0; font-size: 1.4rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--card); font-size: .9rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border: 1px solid var(--line); }
th, td { overflow-wrap: break-word; }
td:last-child { min-width: 11rem; }
.events th { width: 7rem; } .wide + .wide { margin-top: 1.25rem; }
thead th { font-weight: 600; color: var(--soft); }
tbody th, td.num, time { font-variant-numeric: tabular-nums; }
tbody th { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.day { margin: 0 0 1.1rem; }
.day header { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; font-size: .9rem; }
.bar { position: relative; height: 2.1rem; margin-top: .3rem; border-radius: .3rem; overflow: hidden; background: var(--line); }
.bar span { position: absolute; top: 0; bottom: 0; padding: 0 .35rem; overflow: hidden; white-space: nowrap; font-size: .75rem;
  line-height: 2.1rem; color: #fff; border-right: 1px solid var(--paper); }
.bar .fallback { background: var(--fallback); color: var(--fallback-ink); }
.bar .emergency { outline: 2px solid var(--mark); outline-offset: -2px; }
.bar i { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--mark); box-shadow: 0 0 0 1px var(--paper); }
.axis { position: relative; height: 1.1rem; font-size: .7rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.axis span { position: absolute; transform: translateX(-50%); } .axis span:first-child { transform: none; }
.axis span:last-child { transform: translateX(-100%); }
details { font-size: .85rem; } summary { cursor: pointer; color: var(--soft); }
.shots { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; height: auto; display: block; border-radius: .4rem; border: 1px solid var(--line); }
figcaption { font-size: .85rem; margin-top: .3rem; }
@media (max-width: 30rem) { .axis span:nth-child(even) { display: none; } }
@media print { body { max-width: none; } .bar span { print-color-adjust: exact; } }
"""
