"""The page's modules as one script: each is a function that gives what it exports.

The files in `js` are plain ES modules. Here their imports and exports are turned into calls, so
that one script holds them all, and the worker that lays out pictures is made of the same text.
"""

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import (?:(\{[^}]*\}) from )?"\./([\w.]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
_BLOCK = re.compile(r"^[ ]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^[ ]*//.*\n", re.MULTILINE)
_TAIL = re.compile(r" // [^\"'`\n]*$", re.MULTILINE)
_INLINE = re.compile(r"/\*\*[^*]*\*/ ?")
_INDENT = re.compile(r"^[ \n]+", re.MULTILINE)

LOADER = """const loaded = {};
const use = (name) => (loaded[name] ??= modules[name](use));
"""
# After the loader: `source`, the text of a script for the worker, out of the same modules.
WORKER = """const within = (name, found = new Set()) => {
  found.add(name);
  for (const [, other] of modules[name].toString().matchAll(/use\\("([\\w.]+)"\\)/g)) {
    if (!found.has(other)) within(other, found);
  }
  return found;
};
const worker = [...within("worker.js")].map((name) => `${JSON.stringify(name)}: ${modules[name]}`);
const source = `const modules = {${worker.join(",")}}; const loaded = {};
const use = (name) => (loaded[name] ??= modules[name](use)); use("worker.js").serve();`;
"""


@cache
def text_of(name: str) -> str:
    """A file that is shipped with the page, without its comments."""
    text = (files("wengert.show.explorer") / "js" / name).read_text(encoding="utf-8")
    for comment in (_BLOCK, _INLINE, _LINE, _TAIL):
        text = comment.sub("", text)
    return _INDENT.sub("", text)


def script(entry: str, generated: dict[str, str]) -> str:
    """The modules that the entry needs, and `use`, which gives what one of them exports.

    Args:
        entry: the name of a file in `js`.
        generated: the text of modules that are no files, by name.
    """
    parts: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in parts:
            continue
        text = generated[name] if name in generated else text_of(name)
        waiting += [match[2] for match in _IMPORT.finditer(text)]
        parts[name] = as_function(text)
    listed = ",\n".join(f'"{name}": (use) => {{\n{parts[name]}}}' for name in sorted(parts))
    return f"const modules = {{\n{listed}\n}};\n{LOADER}"


def as_function(text: str) -> str:
    """The body of a function of `use` that gives what a module exports."""
    exported = _EXPORT.findall(text)
    body = _IMPORT.sub(_call, text)
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    return f"{body}return {{ {', '.join(exported)} }};\n"


def _call(match: re.Match[str]) -> str:
    names = match[1]
    return f'const {names.replace(" as ", ": ")} = use("{match[2]}");' if names else ""
