// A Vega-Lite specification as SVG. A plain module beside the sources, so that it finds the packages of bench/.
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

/** @param {object} spec @returns {Promise<string>} */
export function draw(spec) {
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}
