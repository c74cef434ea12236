import { atomicFile } from './atomic-file.ts';

/**
 * sh: `write_file PATH MODE TEXT` puts a text of root's in place, whole or not at all, and makes its
 * folder where that is missing. On failure it ends the fragment with the reason. Brings `atomicFile`.
 */
export const writeFile = `${atomicFile}
write_file() {
  umask 022
  mkdir -p "\${1%/*}" || fail "the folder \${1%/*} cannot be made"
  stage "$1"
  printf %s "$3" >"$temp" || fail "$1 cannot be written"
  place "$1" "$2" 0 0
}`;
