/** The look of the HTML report: light and dark, by what the reader's system asks for. */
export const style = `
:root{color-scheme:light dark;--ground:#fff;--ink:#1c2024;--quiet:#5b6470;--line:#d5dae0;--sheet:#f5f7f9;--gone:#ffe3e0;--come:#dcf5e0;--accent:#0b5cad;--refuse:#b3261e}
@media(prefers-color-scheme:dark){:root{--ground:#14171a;--ink:#e4e8ec;--quiet:#9aa4af;--line:#343b42;--sheet:#1c2126;--gone:#4a2220;--come:#1d3d26;--accent:#7db9f5;--refuse:#ff8a80}}
*{box-sizing:border-box}
html{scroll-padding-top:7rem}
body{margin:0 auto;max-width:90rem;padding:1rem 1.5rem 4rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
code,pre,td{font-family:ui-monospace,monospace;font-size:.85rem}
.quiet{color:var(--quiet)}
form{position:sticky;top:0;background:var(--ground);border-bottom:1px solid var(--line);display:flex;flex-wrap:wrap;gap:.5rem 1rem;padding:.75rem 0;align-items:end;z-index:1}
form>label{flex:1 1 9rem}
label{display:inline-flex;flex-direction:column;gap:.15rem;font-size:.8rem;color:var(--quiet)}
fieldset{border:0;padding:0;margin:0;min-width:0;display:flex;flex-wrap:wrap;gap:.25rem .75rem}fieldset label{flex-direction:row;align-items:center;color:var(--ink)}
input[type=search]{font:inherit;padding:.3rem .5rem;border:1px solid var(--line);border-radius:4px;background:var(--sheet);color:var(--ink);width:100%;min-width:0}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;background:var(--sheet)}
output{min-width:13rem}
summary{padding:.4rem .7rem;cursor:pointer;display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}
summary::before{content:"▸"}details[open]>summary::before{content:"▾"}
details>div{padding:0 .9rem .6rem;overflow-x:auto}details p{margin:.4rem 0}
.hosts{max-height:8rem;overflow:auto;color:var(--quiet)}
.refuse summary code,.refuse .mark{color:var(--refuse)}.refuse .mark{border-color:currentColor}
.mark{font-size:.75rem;border:1px solid var(--line);border-radius:9px;padding:0 .5rem}
code,h1,p,pre,summary span{overflow-wrap:anywhere}
pre{white-space:pre-wrap;margin:.4rem 0}
table{border-collapse:collapse;width:100%;table-layout:fixed}
td{height:1.3rem;white-space:pre-wrap;overflow-wrap:anywhere;vertical-align:top;padding:0 .4rem;border-left:1px solid var(--line)}
td.gone{background:var(--gone)}td.come{background:var(--come)}tr.hunk td{color:var(--quiet)}
[hidden]{display:none}
@media(max-width:40rem){html{scroll-padding-top:1rem}form{position:static}form>label{flex-basis:100%}}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
`;
