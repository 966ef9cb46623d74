import { z } from 'zod';

/**
 * A name that people choose and others read: trimmed, `min` to `max` characters, one line without
 * control characters.
 */
export const oneLine = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must be one line without control characters');
