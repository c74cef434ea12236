/** Bytes as whole MiB, rounded up: a small file is not nothing. */
export const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
