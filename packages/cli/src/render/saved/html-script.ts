/**
 * What makes the report searchable. It reads the page only, takes no value as markup, and the page
 * can be read without it. Hosts of a change are index ranges (`0-3,7`) into the list of hosts.
 */
export const script = `
'use strict';
const form = document.querySelector('form');
const items = [...document.querySelectorAll('details[data-hosts]')];
const hosts = [...document.querySelectorAll('#hosts option')].map((option) => option.value);
const texts = new Map();
const rangesOf = (text) => text.split(',').map((part) => part.split('-').map(Number));
const has = (ranges, index) => ranges.some(([from, to = from]) => index >= from && index <= to);
const textOf = (item) => {
  if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
  return texts.get(item);
};
function filter() {
  const search = form.search.value.toLowerCase();
  const step = form.step.value.toLowerCase();
  const host = form.host.value.toLowerCase();
  const wanted = hosts.flatMap((name, index) => (name.toLowerCase().includes(host) ? [index] : []));
  const sure = new Set([...form.querySelectorAll('input[name=sure]:checked')].map((box) => box.value));
  let shown = 0;
  for (const item of items) {
    const ranges = rangesOf(item.dataset.hosts);
    const fits =
      sure.has(item.dataset.sure) &&
      (step === '' || item.dataset.step.toLowerCase().includes(step)) &&
      (host === '' || wanted.some((index) => has(ranges, index))) &&
      (search === '' || textOf(item).includes(search));
    item.hidden = !fits;
    if (fits) shown += 1;
  }
  for (const section of document.querySelectorAll('section')) {
    section.hidden = !section.querySelector('details:not([hidden])');
  }
  document.querySelector('output').textContent = shown + ' of ' + items.length + ' changes shown';
}
form.addEventListener('input', filter);
form.addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest('input');
  if (event.key === 'Escape' && typing) {
    typing.value = '';
    filter();
    typing.blur();
  }
  if (typing) return;
  if (event.key === '/') {
    event.preventDefault();
    form.search.focus();
    return;
  }
  if (event.key !== 'j' && event.key !== 'k') return;
  const open = items.filter((item) => !item.hidden);
  const at = open.indexOf(document.activeElement.closest('details'));
  const next = open[event.key === 'j' ? at + 1 : at - 1];
  if (next) next.querySelector('summary').focus();
});
filter();
`;
