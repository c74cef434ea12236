import { createHash } from 'node:crypto';
import type { HandlerPlan, StepPlan } from '@skerry/runbook';
import type { Change } from '@skerry/steps';
import { counted, hostNames } from '../host-names.ts';
import { script } from './html-script.ts';
import { style } from './html-style.ts';
import {
  changeText,
  confidenceText,
  isRefused,
  totalsOf,
  wordOf,
  type PlanReport,
} from './report.ts';
import { sideBySide } from './side-by-side.ts';

/** Lines of one diff that the page shows; the rest stands in the plan file. */
const mostRows = 2000;

/**
 * A plan as one HTML file that needs nothing else: no network (its policy forbids it), no other file.
 * Texts of the plan are escaped, and only the one script whose digest it names can run.
 */
export function planHtml(report: PlanReport): string {
  const title = escaped(`${wordOf(report)}: ${report.runbook} on ${report.cluster}`);
  const indices = new Map(report.hosts.map((host, index) => [host, index]));
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`;
  const sections = report.plays.map(({ play, blocks }) =>
    [
      `<section aria-label="${escaped(play)}">`,
      `<h2>${escaped(play)}</h2>`,
      ...blocks.flatMap(({ hosts, steps, handlers }) => [
        ...steps.map((step) => stepHtml(step, hosts, ranges(hosts, indices))),
        ...handlers.map((handler) => handlerHtml(handler, hosts, ranges(hosts, indices))),
      ]),
      '</section>',
    ].join('\n'),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#changes">To the changes</a>
<h1>${title}</h1>
<p>${escaped(totalsOf(report))}</p>
<p class="quiet">${madeOf(report)}</p>
${policyHtml(report)}<form role="search" aria-label="Filter the changes">
<label>Search ( / )<input type="search" name="search" autocomplete="off"></label>
<label>Host<input type="search" name="host" list="hosts" autocomplete="off"></label>
<label>Step<input type="search" name="step" autocomplete="off"></label>
<fieldset aria-label="Confidence">${['exact', 'conditional', 'opaque', 'handler']
    .map(
      (level) =>
        `<label><input type="checkbox" name="sure" value="${level}" checked>${level}</label>`,
    )
    .join('')}</fieldset>
<output aria-live="polite" class="quiet"></output>
</form>
<datalist id="hosts">${report.hosts.map((host) => `<option value="${escaped(host)}">`).join('')}</datalist>
<main id="changes">
${sections.join('\n')}
</main>
<script>${script}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function policyHtml({ policy }: PlanReport): string {
  if (policy === undefined) return '';
  const items = policy.findings.map(
    ({ denies, what, hosts, at }) =>
      `<li><span class="mark">${denies ? 'denied' : 'later'}</span> ${escaped(what)} <span class="quiet">${escaped(hostNames(hosts))} · ${escaped(at)}</span></li>`,
  );
  const said = policy.verdict === 'denied' ? 'Denied by the policy' : 'The policy is kept';
  return `<section aria-label="Policy"><h2>${said}</h2><ul>${items.join('')}</ul></section>\n`;
}

function madeOf(report: PlanReport): string {
  if (report.diff !== undefined) return escaped(report.diff.made);
  const { created, tool, inventory, digest } = report;
  return `Made ${escaped(created)} by Skerry ${escaped(tool)} from ${escaped(inventory)}<br><code>${escaped(digest)}</code>`;
}

/** Indices of hosts as ranges: `0-3,7`. */
function ranges(hosts: readonly string[], indices: ReadonlyMap<string, number>): string {
  const parts: [number, number][] = [];
  for (const index of hosts.map((host) => indices.get(host) ?? -1).toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] + 1 === index) last[1] = index;
    else parts.push([index, index]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function stepHtml(step: StepPlan, hosts: readonly string[], at: string): string {
  const { level } = step.confidence;
  const sure = level === 'exact' ? '' : `<p>${escaped(confidenceText(step))}</p>`;
  const refused = isRefused(step) ? ' class="refuse" open' : '';
  return `<details${refused} data-hosts="${at}" data-sure="${level}" data-step="${escaped(step.id)}"><summary><code>${escaped(step.id)}</code><span>${escaped(step.summary)}</span><span class="mark">${refused === '' ? level : 'refused'}</span><span class="quiet">${onHosts(hosts)}</span></summary><div>
<p class="hosts">${escaped(hostNames(hosts))}</p>${sure}
${step.changes.map(changeHtml).join('\n')}</div></details>`;
}

function handlerHtml(handler: HandlerPlan, hosts: readonly string[], at: string): string {
  const why = [
    ...(handler.because.length > 0 ? [`after ${handler.because.join(', ')}`] : []),
    ...(handler.leftover ? ['left to do by an earlier run'] : []),
  ].join('; ');
  return `<details data-hosts="${at}" data-sure="handler" data-step="${escaped(handler.id)}"><summary><code>${escaped(handler.id)}</code><span class="mark">handler</span><span class="quiet">${onHosts(hosts)}</span></summary><div>
<p class="hosts">${escaped(hostNames(hosts))}</p><p>${escaped(why)}</p></div></details>`;
}

/** One by its name, several by their number: all names stand inside. */
function onHosts(hosts: readonly string[]): string {
  return escaped(hosts.length === 1 ? hostNames(hosts) : counted(hosts.length, 'host'));
}

function changeHtml(change: Change): string {
  const text = `<pre>${escaped(changeText(change))}</pre>`;
  if (change.diff === undefined) return text;
  const rows = sideBySide(change.diff);
  const lines = rows.filter(({ kind }) => kind !== 'hunk');
  // What is new or goes as a whole has no other side.
  const [left, right] = [
    lines.some(({ before }) => before !== undefined),
    lines.some(({ after }) => after !== undefined),
  ];
  const cell = (line: string | undefined, kind: string): string =>
    `<td${line === undefined || kind === '' ? '' : ` class="${kind}"`}>${escaped(line ?? '')}</td>`;
  const shown = rows.slice(0, mostRows).map(({ kind, before, after }) => {
    if (kind === 'hunk')
      return `<tr class="hunk"><td${left && right ? ' colspan="2"' : ''}>${escaped(before ?? '')}</td></tr>`;
    const changed = kind === 'changed';
    const gone = left ? cell(before, changed ? 'gone' : '') : '';
    const come = right ? cell(after, changed ? 'come' : '') : '';
    return `<tr>${gone}${come}</tr>`;
  });
  const more =
    rows.length > mostRows
      ? `<p class="quiet">${rows.length - mostRows} more lines: they stand in the plan file.</p>`
      : '';
  return `${text}<table aria-label="before and after"><tbody>${shown.join('')}</tbody></table>${more}`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
