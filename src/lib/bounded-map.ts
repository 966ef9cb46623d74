/** A cache that holds at most so many entries, and at most so many bytes of them: what was put in first goes first. */
export interface BoundedMap<V> {
  get(key: string): V | undefined;
  /** `bytes` is what the caller says that key and value weigh. What is too heavy by itself is not kept. */
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  clear(): void;
}

/** Makes one. Whoever can choose keys or values can push others out, and fill it up to the bounds, no further. */
export function boundedMap<V>(max: { readonly entries: number; readonly bytes: number }): BoundedMap<V> {
  const kept = new Map<string, { readonly value: V; readonly bytes: number }>();
  let held = 0;

  function drop(key: string): void {
    held -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  }

  return {
    get: (key) => kept.get(key)?.value,
    set: (key, value, bytes) => {
      drop(key);
      if (bytes > max.bytes) return;
      for (const oldest of kept.keys()) {
        if (kept.size < max.entries && held + bytes <= max.bytes) break;
        drop(oldest);
      }
      kept.set(key, { value, bytes });
      held += bytes;
    },
    delete: drop,
    clear: () => {
      kept.clear();
      held = 0;
    },
  };
}
