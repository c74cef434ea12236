/** Handlebars in one file, where the package's own entry point is 44 and source maps, which nobody reads. */
declare module 'handlebars/dist/handlebars.js' {
  export { default } from 'handlebars';
}
