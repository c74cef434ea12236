/**
 * What a step prints, on lines of their own, before and after it waits for pods: `begins` and then what is
 * waited for, `ends` and then what has come. By these lines a run knows how long it only waited.
 */
export const waits = { begins: 'waiting until ', ends: 'no longer waiting: ' } as const;
