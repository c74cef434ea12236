import type { StepOptions } from './kind.ts';

/**
 * Parts what a user wrote in one object into what the engine reads (`notify`, `needs`, `tags`,
 * `when`) and what the kind reads (the rest).
 */
export function splitOptions<T extends StepOptions>(
  given: T,
): { readonly options: StepOptions; readonly own: Omit<T, keyof StepOptions> } {
  const { notify, needs, tags, when, ...own } = given;
  const options: StepOptions = {
    ...(notify === undefined ? {} : { notify }),
    ...(needs === undefined ? {} : { needs }),
    ...(tags === undefined ? {} : { tags }),
    ...(when === undefined ? {} : { when }),
  };
  return { options, own };
}
