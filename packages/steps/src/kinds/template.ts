import type { Step, StepKind, StepOptions } from '../kind.ts';
import { splitOptions } from '../step-options.ts';
import {
  fileKind,
  type FileChecks,
  type FileDesired,
  type FileObserved,
  type FilePermissions,
} from './file.ts';

/** A file whose content is a rendered template: the same as a file once the runbook is expanded. */
export const templateKind: StepKind<FileDesired, FileObserved> = { ...fileKind, kind: 'template' };

export interface TemplateOptions extends StepOptions, FilePermissions, FileChecks {
  /** More variables, beside the host's. */
  readonly vars?: Readonly<Record<string, unknown>>;
}

/** `template('/etc/containerd/config.toml', 'containerd/config.toml.hbs', { vars, notify })` */
export function template(path: string, name: string, given: TemplateOptions = {}): Step {
  const { options, own } = splitOptions(given);
  const { vars = {}, ...rest } = own;
  return {
    kind: templateKind,
    name: path,
    desired: { path, template: name, ...rest },
    resolve: (context) => ({ path, content: context.render(name, vars), ...rest }),
    options,
  };
}
