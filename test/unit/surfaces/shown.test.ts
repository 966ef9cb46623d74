import { describe, expect, test } from 'vitest';
import { html, page } from '#lib/html.ts';
import { heading, pair, preformatted } from '#lib/page-parts.ts';
import { oneLine } from '#lib/sanitise.ts';
import {
  button,
  labelled,
  header,
  notice,
  plain,
  preformatted as lines,
  smallPrint,
  words,
} from '#surfaces/slack/messages/blocks.ts';
import type { Message } from '#surfaces/slack/messages/blocks.ts';
import { escapeMrkdwn } from '#surfaces/slack/messages/text.ts';
import { SOURCES } from '../../support/sources.ts';

/** A name as a directory or a requester could have written it. */
const name: string = 'Ann\nstatus: approved';

// These tests are for `npm run types`: each `@ts-expect-error` fails there if the line below it compiles.
describe('a text from outside does not compile where it is drawn', () => {
  test('in a heading, label, button or value of a message in Slack', () => {
    // @ts-expect-error -- a raw string
    expect(header(name).text.text).toBe('Ann status: approved');
    // @ts-expect-error -- a template with a raw string in it
    header(`Suspend ${name}`);
    // @ts-expect-error -- a raw string
    labelled(name, []);
    // @ts-expect-error -- a raw string
    button(name, 'action', 'value');
    // @ts-expect-error -- a raw string
    words(name);
    // @ts-expect-error -- a raw string
    plain(name);
    // @ts-expect-error -- a raw string
    smallPrint(name);
    // @ts-expect-error -- a raw string
    notice(name);
    // @ts-expect-error -- a raw string
    lines([name]);
    expect(header(oneLine(name)).text.text).toBe('Ann status: approved');
    expect(header('Approve').text.text).toBe('Approve');
  });

  test('in the text that Slack shows as a notification', () => {
    // @ts-expect-error -- a text that is one line is not escaped yet
    const raw: Message = { text: oneLine('<!channel>'), blocks: [] };
    const escaped: Message = { ...raw, text: escapeMrkdwn('<!channel>') };
    expect(escaped.text).toBe('&lt;!channel&gt;');
  });

  test('in the title, heading, label or value of a page', async () => {
    // @ts-expect-error -- a raw string
    page(name, html``);
    // @ts-expect-error -- a template with a raw string in it
    heading(`Let ${name} act for you?`);
    // @ts-expect-error -- a raw string
    pair('For', name);
    // @ts-expect-error -- a raw string
    pair(name, oneLine(name));
    // @ts-expect-error -- a raw string
    preformatted([name]);
    const title = oneLine(name);
    const text = await page(title, html`${heading(title)}${pair('For', title)}`).text();
    expect(text).toContain('<title>Ann status: approved</title>');
    expect(text).toContain('<h1>Ann status: approved</h1>');
  });

  test('and no page writes such an element with a value itself', () => {
    const drawn = /<(?:h\d|dt|dd|pre|title)\b[^>]*>[^<]*\$\{/;
    const pages = [...SOURCES].filter(
      ([file, text]) => file.startsWith('src/surfaces/') && text.includes('#lib/html.ts'),
    );
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.filter(([, text]) => drawn.test(text)).map(([file]) => file)).toEqual([]);
  });
});
