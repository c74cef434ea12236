import type { Play } from './dsl.ts';

/** The plays in groups that run one after the other; those of one group run at the same time. */
export function sideBySide(plays: readonly Play[]): readonly (readonly Play[])[] {
  const groups: Play[][] = [];
  for (const play of plays) {
    const last = groups.at(-1);
    if (last !== undefined && last[0]?.name === play.options.alongside) last.push(play);
    else groups.push([play]);
  }
  return groups;
}

/** Each play that is to run alongside one that does not stand right before it, with the one that does. */
export function notBeside(
  plays: readonly Play[],
): readonly { readonly play: Play; readonly before: string | undefined }[] {
  const groups = sideBySide(plays);
  return groups.flatMap(([play], index) =>
    play?.options.alongside === undefined ? [] : [{ play, before: groups[index - 1]?.[0]?.name }],
  );
}
