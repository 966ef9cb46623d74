/** The longest text, in characters. */
export const MAX_TEXT = 200_000;
/** The most policies in one text: each of them is looked at in every decision. */
export const MAX_POLICIES = 400;
/** The deepest that one policy may be, as `depthOf` counts. Cedar's stack ends at about 400. */
export const MAX_DEPTH = 128;
/** A bracket, or an `if`, takes about three times the stack of one more member of a chain. */
const NESTED = 3;

/**
 * Refuses a text that could end Cedar's stack or keep it busy for long: by a count of its tokens, before Cedar sees it. Throws an Error that says
 * which policy it is and what to write instead. Does not look at what the text means: what no Cedar parser would take may pass.
 */
export function withinLimits(text: string): void {
  if (text.length > MAX_TEXT)
    throw new Error(`the text has ${text.length} characters, and ${MAX_TEXT} are the most`);
  const policies = policiesOf(text);
  if (policies.length > MAX_POLICIES)
    throw new Error(`the text has ${policies.length} policies, and ${MAX_POLICIES} are the most`);
  const deep = policies.find(({ depth }) => depth > MAX_DEPTH);
  if (deep !== undefined)
    throw new Error(
      `the policy that begins in line ${deep.line} is ${deep.depth} deep, and ${MAX_DEPTH} is the most: each || && + - * . and "when" in a row counts one, each bracket or "if" around another ${NESTED}. Write a list of people as one set, "principal is Person" and [Person::"a", Person::"b"].contains(principal), or as several policies`,
    );
}

// As Cedar's own lexer reads them: a comment ends at either line break, and a string may hold one. What is in neither is a token by itself.
const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\[^\n])*"|[A-Za-z_][A-Za-z0-9_]*|\|\||&&|::|[=!<>]=|[^\sA-Za-z0-9_]/g;

/** How tightly an operator binds: each level of a chain lies within one member of the level before it. Others bind tightest. */
const LEVELS: ReadonlyMap<string, 0 | 1 | 2> = new Map([
  ['if', 0],
  ['then', 0],
  ['else', 0],
  ['||', 1],
  ['&&', 2],
]);
const TIGHTEST = 3;
/** Further operators, and the clauses of a policy, which Cedar joins in one chain. */
const CHAINED: ReadonlySet<string> = new Set(
  '+ - * . ! < > == != <= >= has in like is when unless'.split(' '),
);

/** What lies between two commas: for each level the members seen in the present chain, and the deepest thing below. */
interface Part {
  readonly links: [number, number, number, number];
  readonly below: [number, number, number, number];
}

const emptyPart = (): Part => ({ links: [0, 0, 0, 0], below: [0, 0, 0, 0] });

/** Ends the chains that bind tighter than `level`: their depth is that of a member of it. */
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

/** Everything above a bracket that is open: its deepest part so far, and the part that is being read. */
interface Open {
  deepest: number;
  part: Part;
}

/** The policies of a text: in which line each begins, and how deep an upper bound of its syntax tree is. */
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
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    for (; read < index; read += 1) if (text[read] === '\n') line += 1;
    if (token.startsWith('//')) continue;
    if (begins === 0 && token !== ';') begins = line;
    const open = stack.at(-1)!;
    if (token === ';') endPolicy();
    else if ('([{'.includes(token)) {
      // An index, context["a"]["a"], is a chain without a dot.
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
