"""shim"""

from wengert.run.lanes import Lanes

FUNCTIONS = {}


def symbol(name, lanes):
    return f"wengert.{name}.{lanes}"


def definitions(names, lanes):
    return ""


def scalarized(block, name, *operands):
    block.declarations[name] = (
        f"declare double @{name}({', '.join(['double'] * len(operands))})"
        if "." not in name
        else f'declare double @"{name}"({", ".join(["double"] * len(operands))})'
    )
    fn = f'@"{name}"'
    result = "poison"
    for k in range(block.lanes):
        args = [block.put(f"extractelement {block.doubles} {x.name}, i32 {k}") for x in operands]
        one = block.put(f"call double {fn}({', '.join('double ' + a for a in args)})")
        result = block.put(f"insertelement {block.doubles} {result}, double {one}, i32 {k}")
    return Lanes(block, result)
