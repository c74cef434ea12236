/**
 * What a step for images prints, on a line of its own, when it begins to import them. Until then it waits for
 * their archives, which are sent to the host before; by this line a run tells one from the other.
 */
export const importLine = 'importing images';
