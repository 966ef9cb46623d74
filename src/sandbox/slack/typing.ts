import type { SimChannel, SimUser, SimUserGroup } from './types.ts';

/** Whom and what a typed `@name` or `#name` can mean. */
export interface Directory {
  readonly users: readonly SimUser[];
  readonly channels: readonly SimChannel[];
  readonly userGroups: readonly SimUserGroup[];
}

const TOKEN = /https?:\/\/[^\s<>|]+|[\w.+'-]+@[\w-]+(?:\.[\w-]+)+|@[\w.-]+|#[\w-]+|[&<>]/g;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** `&`, `<` and `>` as entities: the only three characters that Slack escapes. */
export function escapeSlackText(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPES[character] ?? character);
}

/**
 * What a person typed, as Slack sends it with `should_escape: true`: `@ann` and `@U…` become `<@U…|ann>`,
 * `#general` `<#C…|general>`, `@it-admins` `<!subteam^S…|@it-admins>`, links and e-mail addresses stand in
 * angle brackets. Names that nobody has stay as they were typed.
 */
export function escapeTypedText(text: string, directory: Directory): string {
  return text.replace(TOKEN, (token) => {
    if (token.length === 1) return ESCAPES[token] ?? token;
    if (token.startsWith('@')) return mention(token.slice(1), directory) ?? token;
    if (token.startsWith('#')) {
      const channel = directory.channels.find((one) => one.name === token.slice(1) && one.kind !== 'im');
      return channel === undefined ? token : `<#${channel.id}|${channel.name}>`;
    }
    if (token.startsWith('http')) return `<${escapeSlackText(token)}>`;
    return `<mailto:${token}|${token}>`;
  });
}

function mention(name: string, directory: Directory): string | undefined {
  if (['here', 'channel', 'everyone'].includes(name)) return `<!${name}>`;
  const user = directory.users.find((one) => one.name === name || one.id === name);
  if (user !== undefined) return `<@${user.id}|${user.name}>`;
  const group = directory.userGroups.find((one) => one.handle === name || one.id === name);
  return group === undefined ? undefined : `<!subteam^${group.id}|@${group.handle}>`;
}
