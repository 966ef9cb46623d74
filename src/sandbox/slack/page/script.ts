import { slackDate } from './dates.ts';

/**
 * The page's script: polls what this person sees, and turns clicks, choices, text and forms into `/_sandbox`
 * calls. It builds no markup of its own: the server draws, and its drawing is escaped there.
 */
export const SCRIPT = `'use strict';
const { as, channel } = document.body.dataset;
const by = (id) => document.getElementById(id);
const main = by('main'), modal = by('modal'), notice = by('notice');
let seen = '', modalSeen = '';

async function control(path, body) {
  const response = await fetch('/_sandbox' + path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  notice.textContent = response.ok ? sayShown(answer) : answer.error;
  return response.ok ? answer : null;
}
const sayShown = (answer) => ({
  operation_timeout: 'The app did not respond within 3 seconds (operation_timeout).',
  dispatch_failed: 'The app rejected the command or failed (dispatch_failed, HTTP ' + answer?.status + ').',
  invalid_response: 'Slack could not show the response of the app.',
})[answer?.shown] ?? '';
const mine = (act, body) => control('/as/' + encodeURIComponent(as) + '/' + act, body);

async function refresh() {
  const response = await fetch('/_page/state?as=' + encodeURIComponent(as) + '&channel=' + encodeURIComponent(channel));
  const state = await response.json();
  if (state.key === seen) return;
  const busy = main.contains(document.activeElement) && document.activeElement.matches('input,select,textarea');
  if (!busy) {
    const bottom = seen === '' || main.scrollHeight - main.scrollTop - main.clientHeight < 80;
    const open = new Set([...main.querySelectorAll('details[open]')].map(placeOf));
    main.innerHTML = state.main;
    localise(main);
    for (const one of main.querySelectorAll('details')) if (open.has(placeOf(one))) one.open = true;
    if (bottom) main.scrollTop = main.scrollHeight;
    seen = state.key;
  }
  by('side').innerHTML = state.side;
  if (state.modalKey !== modalSeen) {
    const [before] = modalSeen.split(':');
    const scrolled = modal.querySelector('.body')?.scrollTop ?? 0;
    modalSeen = state.modalKey;
    modal.innerHTML = state.modal;
    localise(modal);
    modal.querySelector('input,select,textarea,button')?.focus();
  }
}
${slackDate.toString()}
function localise(root) {
  for (const one of root.querySelectorAll('time[data-seconds]'))
    one.textContent = slackDate(Number(one.dataset.seconds), one.dataset.format, Date.now());
}
const placeOf = (node) => node.closest('[data-ts]')?.dataset.ts + ':' + node.querySelector('summary')?.textContent;

function targetOf(node) {
  const view = node.closest('[data-view]');
  if (view) return { view_id: view.dataset.view };
  const message = node.closest('[data-ts]');
  return { channel: message.dataset.channel, ts: message.dataset.ts };
}

async function act(node, options) {
  const holder = node.closest('[data-confirm]');
  if (holder?.dataset.confirm && !confirm(holder.dataset.confirm)) return;
  const button = node.closest('[data-action]')?.dataset.action ?? node.closest('[data-choose]')?.dataset.choose
    ?? node.closest('[data-tells]').dataset.tells;
  const form = node.closest('form.modal');
  if (form) options = { ...options, entered: entered(form) };
  if (node.dataset.url) window.open(node.dataset.url, '_blank', 'noopener');
  node.disabled = true;
  await mine('clicks', { ...targetOf(node), button, options });
  node.disabled = false;
  node.blur();
  await refresh();
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (button?.dataset.action !== undefined) await act(button);
  if (button?.dataset.cancel !== undefined) {
    await mine('cancels', { view_id: button.closest('form').dataset.view });
    await refresh();
  }
});

document.addEventListener('change', async (event) => {
  const control = event.target;
  if (control.id === 'who') location.search = '?as=' + encodeURIComponent(control.value);
  else if (control.dataset.external === undefined) {
    const place = control.closest('[data-choose]') ?? control.closest('[data-tells]:not([data-tells=""])');
    if (!place) return;
    const boxes = control.type === 'checkbox' ? [...place.querySelectorAll(':checked')] : null;
    const value = boxes ? boxes.map((one) => one.value) : valueOf(control);
    if (boxes || value.length > 0 || place.dataset.tells) await act(control, { choose: value });
  }
});

let waiting;
function look(event) {
  const search = event.target.closest('[data-external]');
  if (!search) return;
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    if (search.value.length < Number(search.parentElement.dataset.min)) return;
    const block = search.dataset.external;
    const options = await mine('options', { view_id: search.closest('[data-view]').dataset.view, block_id: block, query: search.value });
    const wordsOf = (one) => one.text + (one.description ? ' · ' + one.description : '');
    const list = search.parentElement.querySelector('select');
    if (list) {
      const found = (options ?? []).filter((one) => one.value !== list.value);
      list.replaceChildren(...[...list.options].filter((one) => one.value === '' || one.selected), ...found.map((one) => new Option(wordsOf(one), one.value)));
      list.size = Math.min(6, list.options.length);
      return;
    }
    const boxes = search.parentElement.querySelector('.picks');
    const kept = [...boxes.querySelectorAll('label')].filter((one) => one.querySelector(':checked'));
    const chosen = kept.map((one) => one.querySelector('input').value);
    boxes.replaceChildren(...kept, ...(options ?? []).filter((one) => !chosen.includes(one.value)).map((one) => {
      const [label, box] = [document.createElement('label'), document.createElement('input')];
      Object.assign(box, { type: 'checkbox', name: block, value: one.value });
      label.className = 'box';
      label.append(box, wordsOf(one));
      return label;
    }));
  }, 250);
}
document.addEventListener('input', look);
document.addEventListener('focusin', look);

const valueOf = (control) => control.type === 'datetime-local' && control.value !== ''
  ? String(Date.parse(control.value + 'Z') / 1000) : control.value;

function entered(form) {
  const values = {};
  for (const control of form.elements) {
    if (!control.name || control.closest('[data-choose]')) continue;
    if (control.type === 'checkbox') values[control.name] ??= [];
    else if (control.type === 'radio') values[control.name] ??= '';
    if (control.type === 'checkbox') { if (control.checked) values[control.name].push(control.value); }
    else if (control.type === 'radio') { if (control.checked) values[control.name] = control.value; }
    else values[control.name] = valueOf(control);
  }
  return values;
}

document.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.id === 'say') {
    const text = by('text').value.trim();
    if (text === '') return;
    by('text').value = '';
    await mine('types', { text, channel: channel === 'home' ? undefined : channel });
    return refresh();
  }
  for (const one of form.querySelectorAll('.error')) one.textContent = '';
  const answer = await mine('fills', { view_id: form.dataset.view, values: entered(form) });
  for (const [block, words] of Object.entries(answer?.errors ?? {})) {
    const place = [...form.querySelectorAll('[data-block]')].find((one) => one.dataset.block === block);
    if (place) place.querySelector('.error').textContent = words;
  }
  form.querySelector('.whole').textContent = notice.textContent;
  await refresh();
});

if (channel === 'home') void mine('home', {}).then(refresh);
void refresh();
setInterval(() => { if (!document.hidden) void refresh().catch(() => { notice.textContent = 'The sandbox does not respond. Is it still running?'; }); }, 1000);
`;
