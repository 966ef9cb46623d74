import { readFileSync } from 'node:fs';
import { slackDriver } from '#sandbox/slack/index.ts';
import { demoAgent, rest, oktaToken } from './wire.ts';
const i = JSON.parse(readFileSync('/tmp/demo-i.json','utf8'));
const slack = slackDriver(i.slackUrl);
const a = demoAgent(i);
const show = (x: unknown) => console.log(JSON.stringify(x).slice(0, 1500));
async function form(who: string, cmd: string, v: Record<string, string|boolean|string[]>) {
  const typed = await slack.as(who).types(cmd);
  console.log('##', cmd);
  if (!typed.view) { show(typed); return; }
  const r = await slack.as(who).fills(typed.view, v).submits(); show(r);
  await new Promise(r=>setTimeout(r,400));
}
async function last(who: string) { const m = (await slack.as(who).sees()).slice(-2); for (const x of m) show([x.text, x.blocks]); }
await form('dana', '/agent register deploy-bot', { Owner: 'Carl Jensen', Scopes: 'okta.mfa.reset, okta.users.read', 'Public key': a.publicJwk });
await last('dana');
await form('dana', '/scope set', { Scope: 'finance:approve', Description: 'Approve invoices', Sensitivity: 'normal' });
await last('ivan');
await form('dana', '/policy set', { Text: '@id("x") forbid (principal, action, resource);', Note: 'testing' });
await form('dana', '/group map', { Group: '00gfinance00000000h7', Role: 'member', Scopes: 'finance:approve' });
await form('dana', '/freeze preview deploy-bot', {});
await form('dana', '/freeze now deploy-bot', {});
await form('carl', '/agent rotate deploy-bot', {});
await last('dana');
// REST by person token
const t = await oktaToken(i, 'bob@acme.example', { scopes: ['delegation:create','delegation:read','delegation:revoke'] });
const r = await fetch(`${i.url}/v1/tools/mandate_template_list`, { method:'POST', headers:{authorization:`Bearer ${t}`,'content-type':'application/json'}, body:'{}'});
console.log(r.status, await r.text());
show(await rest(i, '/v1/approvals'));
show(await (await fetch(`${i.url}/v1/tools`, { headers:{authorization:`Bearer ${t}`}})).json());
