/** How many bytes one task may move without waiting before others get their turn. Rule 40. */
export const BYTE_BUDGET = 262_144 as const;
