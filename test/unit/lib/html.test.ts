import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cookie, cookieOf } from '#lib/cookies.ts';
import { html, page } from '#lib/html.ts';

const EVIL = `<script>"&'\u202e\u0000\u{e0041}`;
const HARMLESS = '&lt;script&gt;&quot;&amp;&#39;';

test('every value is escaped for text and attributes, without what nobody sees; markup is inserted as it is', () => {
  const inner = html`<b title="${EVIL}">${EVIL}</b>`;
  expect(inner.toString()).toBe(`<b title="${HARMLESS}">${HARMLESS}</b>`);
  expect(html`<p>${[inner, html`<i>${1}</i>`]}${0}</p>`.toString()).toBe(
    `<p><b title="${HARMLESS}">${HARMLESS}</b><i>1</i>0</p>`,
  );
  // What looks like markup but is a text, or comes from JSON, is not markup.
  const text = inner.toString();
  expect(html`${text}`.toString()).toBe(
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  );
});

test('a page has a policy for exactly its own style, and its title is escaped', async () => {
  const answer = page(EVIL, html`<p>${EVIL}</p>`, { status: 400, formTargets: ['https://app.example'] });
  const text = await answer.text();
  expect(text).toContain(`<title>${HARMLESS}</title>`);
  expect(text).toContain(`<main><p>${HARMLESS}</p></main>`);
  const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-security-policy')).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self' https://app.example; ` +
      "frame-ancestors 'none'; base-uri 'none'",
  );
});

test('a cookie is sent back as it was set, only to its path, never to a script, and over https only if it came so', () => {
  const value = 'a.b-c_d=~ ;"é';
  const header = cookie('flow', value, new URL('https://prokura.test/t/x'), 60);
  expect(header).toMatch(/^flow=[^; "]+; Max-Age=60; Path=\/t\/x; HttpOnly; Secure; SameSite=Lax$/);
  expect(cookie('flow', '', new URL('http://127.0.0.1/x'), 0)).toBe(
    'flow=; Max-Age=0; Path=/x; HttpOnly; SameSite=Lax',
  );
  const sent = new Request('https://prokura.test/', {
    headers: { cookie: `other=1; ${header.split(';')[0]}; flow=second` },
  });
  expect([cookieOf(sent, 'flow'), cookieOf(sent, 'low'), cookieOf(sent, 'none')]).toEqual([
    value,
    null,
    null,
  ]);
});
