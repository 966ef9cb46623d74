/**
 * A cache with a limit on the number of entries and on their total size in bytes. The oldest entries are
 * dropped first.
 */
export interface BoundedMap<V> {
  get(key: string): V | undefined;
  /**
   * `bytes` is the size of key and value, as the caller states it. An entry that is larger than the
   * limit is not kept.
   */
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  clear(): void;
}

/**
 * Creates a bounded map. A party that can choose keys or values can push out other entries and fill it
 * up to its limits, but not beyond.
 */
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
