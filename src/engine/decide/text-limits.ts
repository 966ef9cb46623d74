/** The longest policy text, in characters. */
export const MAX_TEXT = 200_000;
/** The most policies in one text. Every decision evaluates each of them. */
export const MAX_POLICIES = 400;
/** The deepest that one policy may be, as `policiesOf` counts. Cedar's stack overflows at about 400. */
export const MAX_DEPTH = 128;
// A bracket or an `if` takes about three times the stack of one more member of a chain.
const NESTED = 3;

/**
 * Refuses a text that could overflow Cedar's stack or keep it busy for long, by counting its tokens before
 * Cedar parses it. Throws an Error that names the policy and says what to write instead. Does not check the
 * meaning: a text that Cedar cannot parse may pass.
 */
export function withinLimits(text: string): void {
  if (text.length > MAX_TEXT)
    throw new Error(`the text has ${text.length} characters; the limit is ${MAX_TEXT}`);
  const policies = policiesOf(text);
  if (policies.length > MAX_POLICIES)
    throw new Error(`the text has ${policies.length} policies; the limit is ${MAX_POLICIES}`);
  const deep = policies.find(({ depth }) => depth > MAX_DEPTH);
  if (deep !== undefined)
    throw new Error(
      `the policy that begins in line ${deep.line} is nested ${deep.depth} levels deep; the limit is ${MAX_DEPTH}. Each || && + - * . and "when" in a row counts as one level, and each bracket or "if" around another as ${NESTED}. Write a list of people as one set, "principal is Person" and [Person::"a", Person::"b"].contains(principal), or split the policy`,
    );
}

/** The tokens of a text with their places, comments among them. */
export const tokensOf = (text: string): RegExpStringIterator<RegExpExecArray> => text.matchAll(TOKEN);

// Tokens as Cedar's lexer reads them: a line feed or a carriage return ends a comment, and a string may
// contain one. Any other character is a token of its own.
const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\[^\n])*"|[A-Za-z_][A-Za-z0-9_]*|\|\||&&|::|[=!<>]=|[^\sA-Za-z0-9_]/g;

// How tightly an operator binds. A chain of one level lies within one member of the level before it.
// Operators that are not listed bind tightest.
const LEVELS: ReadonlyMap<string, 0 | 1 | 2> = new Map([
  ['if', 0],
  ['then', 0],
  ['else', 0],
  ['||', 1],
  ['&&', 2],
]);
const TIGHTEST = 3;
// The other operators, and the clauses of a policy, which Cedar joins into one chain.
const CHAINED: ReadonlySet<string> = new Set(
  '+ - * . ! < > == != <= >= has in like is when unless'.split(' '),
);

/**
 * What lies between two commas: for each level, the members of the present chain and the deepest part below.
 */
interface Part {
  readonly links: [number, number, number, number];
  readonly below: [number, number, number, number];
}

const emptyPart = (): Part => ({ links: [0, 0, 0, 0], below: [0, 0, 0, 0] });

/** Ends the chains that bind tighter than `level`. Their depth becomes that of a member of `level`. */
function close(part: Part, level: 0 | 1 | 2): number {
  let deepest = 0;
  for (let inner = TIGHTEST; inner > level; inner -= 1) {
    deepest = part.links[inner]! + Math.max(part.below[inner]!, deepest);
    part.links[inner] = 0;
    part.below[inner] = 0;
  }
  part.below[level] = Math.max(part.below[level], deepest);
  return part.links[level] + part.below[level];
}

/** An open bracket: its deepest part so far, and the part that is being read. */
interface Open {
  deepest: number;
  part: Part;
}

/** The policies of a text: the line where each begins, and an upper bound of the depth of its syntax tree. */
function policiesOf(text: string): { line: number; depth: number }[] {
  const found: { line: number; depth: number }[] = [];
  let [line, begins, read] = [1, 0, 0];
  let stack: Open[] = [{ deepest: 0, part: emptyPart() }];
  const endPart = (open: Open) => {
    open.deepest = Math.max(open.deepest, close(open.part, 0));
    open.part = emptyPart();
  };
  const endBracket = () => {
    const inner = stack.pop()!;
    endPart(inner);
    const { below } = stack.at(-1)!.part;
    below[TIGHTEST] = Math.max(below[TIGHTEST], inner.deepest + NESTED);
  };
  const endPolicy = () => {
    while (stack.length > 1) endBracket();
    endPart(stack[0]!);
    if (begins !== 0) found.push({ line: begins, depth: stack[0]!.deepest });
    begins = 0;
    stack = [{ deepest: 0, part: emptyPart() }];
  };
  for (const { 0: token, index } of tokensOf(text)) {
    for (; read < index; read += 1) if (text[read] === '\n') line += 1;
    if (token.startsWith('//')) continue;
    if (begins === 0 && token !== ';') begins = line;
    const open = stack.at(-1)!;
    if (token === ';') endPolicy();
    else if ('([{'.includes(token)) {
      // An index, such as context["a"]["a"], is a chain without a dot.
      if (token === '[') open.part.links[TIGHTEST] += 1;
      stack.push({ deepest: 0, part: emptyPart() });
    } else if (')]}'.includes(token) && stack.length > 1) endBracket();
    else if (token === ',') endPart(open);
    else if (LEVELS.has(token)) {
      const level = LEVELS.get(token)!;
      close(open.part, level);
      open.part.links[level] += token === 'if' ? NESTED : level === 0 ? 0 : 1;
    } else if (CHAINED.has(token)) open.part.links[TIGHTEST] += 1;
  }
  endPolicy();
  return found;
}
