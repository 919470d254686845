/** Exchanges a few words in one file of `src/` while it is loaded, before its types are taken away. */

let breakage = null;

export function initialize(data) {
  breakage = data;
}

export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (breakage === null || !url.split('?')[0].endsWith(`/src/${breakage.file}`)) return loaded;
  const source = String(loaded.source);
  const parts = source.split(breakage.find);
  if (parts.length !== 2) {
    throw new Error(
      `"${breakage.name}": ${breakage.file} has ${parts.length - 1} places to break, not 1: ${breakage.find}`,
    );
  }
  return { ...loaded, source: parts.join(breakage.replace) };
}
