/**
 * A file that is there, on the hosts of a play that runs alongside another one, as long as that goes on: so a
 * step that waits for what others are doing knows when it would wait in vain.
 */
export const alongsideFile = '/run/skerry/alongside';
