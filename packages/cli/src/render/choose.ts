import type { Output } from '../output.ts';
import { JsonLines } from './json-lines.ts';
import { LiveView } from './live-view.ts';
import { PlainLines } from './plain-lines.ts';
import type { Renderer } from './renderer.ts';

/** JSON lines, a live view, or plain lines: what the options and the terminal ask for. */
export function chooseRenderer(output: Output): Renderer {
  const { json, live, verbose } = output.settings;
  if (json) {
    return new JsonLines(
      (value) => output.json(value),
      (text) => output.complain(text),
    );
  }
  const { colors } = output;
  const print = (text: string): void => output.print(text);
  if (!live) return new PlainLines({ colors, verbose, print, width: () => output.width });
  return new LiveView({
    colors,
    verbose,
    print,
    terminal: {
      get columns() {
        return output.width;
      },
      get rows() {
        return process.stdout.rows;
      },
      write: (text) => output.control(text),
    },
  });
}
