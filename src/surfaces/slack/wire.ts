/** An object as Slack sent it: nothing is known of its members before they are looked at. */
export type Wire = Readonly<Record<string, unknown>>;

/** A member that is an object, or an empty one. */
export function objectIn(wire: Wire, name: string): Wire {
  const value = wire[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : {};
}

/** A member that is a list of objects, or an empty one. */
export function objectsIn(wire: Wire, name: string): readonly Wire[] {
  const value = wire[name];
  return Array.isArray(value)
    ? value.filter((one): one is Wire => typeof one === 'object' && one !== null)
    : [];
}

/** A member that is a text, or an empty one. */
export function textIn(wire: Wire, name: string): string {
  const value = wire[name];
  return typeof value === 'string' ? value : '';
}
