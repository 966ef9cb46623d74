/** What a person asks for: a tool with its input, as the person gave it. */
export interface Request {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
}
