export { folderTemplates } from './folder-templates.ts';
export type { TemplateLoader, TemplateText } from './source.ts';
export { createTemplates, type Templates } from './templates.ts';
