"""PTX, the compiler's output, translated to C and run on the CPU: what becomes of the kernels, without a GPU.

Threads of a warp run one after the other, in another order each time, up to where they meet: a shuffle, a vote, a
barrier of the warp; warps of a block take turns up to its barriers, and where one looks at what another has published.
Shared memory starts as NaN, what an asynchronous copy is to fill is NaN until its thread has waited. An access beyond
shared memory, or one that is not aligned, ends the program, and so does a warp that parts or waits for ever. Only what
our kernels consist of is known here.
"""

import ctypes
import re
import subprocess
import tempfile
from pathlib import Path

C = {"s": "int{}_t", "u": "uint{}_t", "b": "uint{}_t"}
NAMES = {"pred": "uint8_t", "b16": "uint16_t", "b32": "uint32_t", "b64": "uint64_t", "f32": "float", "f64": "double"}
BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%", "and": "&", "or": "|", "xor": "^"}
BINARY |= {"shl": "<<", "shr": ">>"}
ORDER = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

AROUND = Path(__file__).with_suffix(".c")


def ctype(kind):
    """The C type of a PTX type."""
    return NAMES.get(kind) or C[kind[0]].format(kind[1:])


class Translation:
    """The C of one PTX kernel."""

    def __init__(self, ptx):
        body = re.search(r"\n\{\n(.*)\n\}", ptx, re.S)[1]
        self.barriers = 0
        self.registers = {prefix: kind for kind, prefix in re.findall(r"\.reg \.(\w+)\s+%(\w+)<", body)}
        counts = re.findall(r"\.reg \.(\w+)\s+%(\w+)<(\d+)>;", body)
        fields = "".join(f"{NAMES[kind]} {prefix}[{count}];" for kind, prefix, count in counts)
        body = re.sub(r"//.*|\.(reg|pragma).*?;|\.loc.*", "", body)
        lines = (self.line(line.strip()) for line in body.replace(";", ";\n").splitlines() if line.strip())
        self.text = AROUND.read_text().replace(" FIELDS }", f" {fields} }}").replace("    BODY\n", "\n".join(lines))

    def line(self, line):
        if line.endswith(":"):
            return line.replace("$", "") + ";"
        if line.strip("{} \t") == "":
            return ""
        vector = re.fullmatch(r"(ld|st)\.(shared|global)\.v(\d)\.(\w+)\s+(.*);", line)
        if vector:
            return self.vector(*vector.groups())
        halves = re.fullmatch(r"mov\.b(64|32)\s+(?:(\S+), \{(\S+), (\S+)\}|\{(\S+), (\S+)\}, (\S+));", line)
        if halves:
            return self.in_halves(*halves.groups())
        guard = re.match(r"@(!?)(%\w+)\s+(.*)", line)
        if guard:
            return f"if ({guard[1]}{self.value(guard[2], 'pred')}) {{ {self.line(guard[3])} }}"
        name, _, rest = line.rstrip(";").partition(" ")
        operands = re.findall(r"\[[^\]]*\]|[^,\s]+", rest)
        try:
            return self.statement(name.strip().split("."), operands)
        except (IndexError, KeyError):
            raise NotImplementedError(f"no C for the PTX instruction {line!r}") from None

    def in_halves(self, bits, whole, low, high, to_low, to_high, source):
        """32 or 64 bits made of, or taken apart into, two halves."""
        half, size = f"uint{int(bits) // 2}_t v[2]", int(bits) // 8
        if whole:
            return f"{{ {half} = {{{self.place(low)}, {self.place(high)}}}; memcpy(&{self.place(whole)}, v, {size}); }}"
        parts = "".join(f"{self.place(to)} = v[{i}]; " for i, to in enumerate((to_low, to_high)) if to != "_")
        return f"{{ {half}; memcpy(v, &{self.place(source)}, {size}); {parts}}}"

    def vector(self, verb, space, count, kind, rest):
        """Values in a row, read or written as one."""
        parts, where = re.search(r"\{(.*?)\}", rest)[1].split(","), re.search(r"\[(.*?)\]", rest)[1]
        base, _, offset = where.partition("+")
        size = int(kind[1:]) // 8
        out = [f"aligned((void *)&{self.address(where, space, kind)}, {size * int(count)}, '{space[0]}');"]
        for i, part in enumerate(parts):
            at = self.address(f"[{base}+{int(offset or 0) + size * i}]", space, kind)
            out.append(f"{self.place(part.strip())} = {at};" if verb == "ld" else f"{at} = {self.value(part, kind)};")
        return " ".join(out)

    def meeting(self, give, source, take):
        """Threads of a warp meet: each gives 32 bits, and takes those of thread `source`."""
        self.barriers += 1
        return f"{give} R->from = {source}; R->at = {self.barriers}; return MEETING; case {self.barriers}:; {take}"

    def value(self, text, kind):
        """An operand as a C expression of that type."""
        text = text.strip()
        register = re.fullmatch(r"%([a-z]+)(\d+)", text)
        if register and register[1] in self.registers:
            return f"(({ctype(kind)})R->{register[1]}[{register[2]}])"
        special = re.fullmatch(r"%(tid|ntid|ctaid|nctaid)\.(\w)", text)
        if special:
            known = {"tid.x": "R->x", "tid.y": "R->y", "ctaid.x": "ctaid", "nctaid.x": "nctaid"}
            return known.get(text[1:]) or f"ntid[{'xyz'.index(special[2])}]"
        if text.startswith(("0f", "0d")):
            number = int(text[2:], 16)
            width, member = (32, "float") if text[1] == "f" else (64, "double")
            return f"((union {{ uint{width}_t i; {member} f; }}){{ {number}u{'l' * (width == 64)} }}).f"
        if text.startswith("_cudapy_smem") or text == "%dynamic_smem_size":
            return "0"
        return f"(({ctype(kind)}){text}L)" if text != "-9223372036854775808" else "INT64_MIN"

    def place(self, text):
        """The register of a result."""
        return "R->temp" if text == "%temp" else re.sub(r"%([a-z]+)(\d+)", r"R->\1[\2]", text)

    def address(self, text, space, kind):
        base, _, offset = text.strip("[]").partition("+")
        place = f"({self.value(base, 'u64')} + ({offset or 0}L))"
        if base.startswith("%r") and not base.startswith("%rd"):
            place = f"((int64_t){self.value(base, 's32')} + ({offset or 0}L))"
        if space == "shared":
            return f"*({ctype(kind)} *)shared({place}, sizeof({ctype(kind)}))"
        return f"*({ctype(kind)} *){place}"

    def statement(self, name, operands):
        verb, kind, to = name[0], name[-1], self.place(operands[0]) if operands else ""

        def value(i, of=kind):
            return self.value(operands[i], of)

        if verb == "bra":
            return f"goto {operands[0].replace('$', '')};"
        if verb == "ret":
            return "return 0;"
        if name[:2] == ["bar", "warp"]:
            return self.meeting("", "NOBODY", "")
        if verb == "bar":
            self.barriers += 1
            return f"R->at = {self.barriers}; return BARRIER; case {self.barriers}:;"
        if verb == "shfl":
            to, of = to.split("|")[0], "f32" if operands[1].startswith("%f") else "b32"
            give = f"{{ {ctype(of)} v = {value(1, of)}; memcpy(&R->given, &v, 4); }}"
            return self.meeting(give, f"{value(2, 's32')} & 31", f"memcpy(&{to}, &R->got, 4);")
        if verb == "vote":
            return self.meeting(f"R->given = {value(1, 'pred')};", "ANY", f"{to} = R->got;")
        if name[:2] == ["ld", "relaxed"]:  # another warp may go first
            self.barriers += 1
            seen = self.address(operands[1], "shared", kind)
            return f"R->at = {self.barriers}; return WATCHING; case {self.barriers}:; {to} = {seen};"
        if name[:2] == ["st", "relaxed"]:
            return f"{self.address(operands[0], 'shared', kind)} = {value(1)};"
        if name[:2] == ["cp", "async"]:
            return self.copying(name, operands)
        if verb == "red":
            return self.reduced(name, self.address(operands[0], "global", kind), value(1))
        if verb == "ld" and name[1] == "param":
            return f"{to} = P[{operands[1].rstrip(']').rpartition('_')[2]}];"
        if verb == "ld":
            return f"{to} = {self.address(operands[1], name[1], kind)};"
        if verb == "st":
            return f"{self.address(operands[0], name[1], kind)} = {value(1)};"
        if verb == "mov" and kind[0] == "b":  # bits, whatever they mean
            register = operands[1].startswith("%")
            bits = f"&{self.place(operands[1])}" if register else f"&({ctype(kind)}){{{value(1)}}}"
            return f"memcpy(&{to}, {bits}, {int(kind[1:]) // 8});"
        if verb == "setp":
            return f"{to} = {self.compared(name[1], value(1), value(2))};"
        return f"{to} = {self.computed(name, value)};"

    def reduced(self, name, place, value):
        """What device memory does with a value."""
        if name[-2] in ("min", "max"):
            return f"if ({value} {'<' if name[-2] == 'min' else '>'} {place}) {place} = {value};"
        return f"{place} += {value};"

    def copying(self, name, operands):
        if name[2] == "commit_group":
            return "R->ends[R->groups++ % 64] = R->copies;"
        if name[2] == "wait_group":
            return f"arrived(R, {operands[0]});"
        to, source, size, read = (text.strip("[]") for text in operands[:4])
        to, source, read = self.value(to, "s32"), self.value(source, "u64"), self.value(read, "s32")
        return f"copy(R, {to}, (char *){source}, {size}, {read});"

    def compared(self, how, a, b):
        if how in ORDER:
            return f"{a} {ORDER[how]} {b}" if how != "ne" else f"({a} != {b} && {a} == {a} && {b} == {b})"
        nan = f"({a} != {a} || {b} != {b})"
        return {"nan": nan, "num": f"!{nan}"}.get(how) or f"({nan} || {a} {ORDER[how[:-1]]} {b})"

    def computed(self, name, value):
        verb, kind = name[0], name[-1]
        if verb == "cvt":
            return self.converted(name, value)
        if verb in ("div", "rem") and kind == "s64":
            return f"div64({value(1)}, {value(2)})" if verb == "div" else f"{value(1)} % {value(2)}"
        if verb in ("shl", "shr"):
            return f"{value(1)} {BINARY[verb]} {value(2, 'u32')}"
        if verb == "mul" and name[1] == "wide":
            return f"(int64_t){value(1)} * (int64_t){value(2)}"
        if verb in ("mul", "mad") and name[1] == "hi":
            wide = {"s32": "int64_t", "u32": "uint64_t", "s64": "__int128", "u64": "unsigned __int128"}[kind]
            high = f"(({wide}){value(1)} * ({wide}){value(2)}) >> {kind[1:]}"
            return high if verb == "mul" else f"({high}) + {value(3)}"
        if verb in BINARY:
            return f"{value(1)} {BINARY[verb]} {value(2)}"
        if verb == "selp":
            return f"{value(3, 'pred')} ? {value(1)} : {value(2)}"
        float_ = "f" if kind == "f32" else ""
        if name[:2] == ["max", "NaN"]:
            a, b = value(1), value(2)
            return f"({a} != {a} || {b} != {b}) ? NAN : fmaxf({a}, {b})"
        if verb == "fma":
            how = "round_down" if name[1] == "rm" else "fma" + float_
            return f"{how}({value(1)}, {value(2)}, {value(3)})"
        a, b = value(1), value(2) if verb in ("min", "max") else ""
        simple = {
            "mov": a,
            "neg": f"-{a}",
            "not": f"!{a}" if kind == "pred" else f"~{a}",
            "abs": f"fabs({a})" if kind[0] == "f" else f"llabs({a})",
            "rcp": f"1 / {a}",
            "ex2": f"exp2f({a})",
            "min": f"{a} < {b} ? {a} : {b}",
            "max": f"{a} > {b} ? {a} : {b}",
            "mad": f"{a} * {value(2)} + {value(3)}" if verb == "mad" else "",
        }
        return simple[verb]

    def converted(self, name, value):
        to, source = name[-2:]
        if source == "f16":
            return f"half({value(1, 'u16')})"
        if to == "f16":
            return f"to_half({value(1)})"
        if "sat" in name:
            return f"fminf(fmaxf({value(1)}, 0), 1)"
        return f"({ctype(to)}){value(1)}"


def runnable(ptx):
    """A function (values, grid, block, bytes of shared memory) that runs a kernel, from a first block on."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.c"
        source.write_text(Translation(ptx).text)
        command = ["cc", "-O1", "-w", "-fwrapv", "-fno-strict-aliasing", "-frounding-math", "-ffp-contract=off"]
        subprocess.run([*command, "-shared", "-fPIC", "-o", f"{folder}/kernel.so", source, "-lm"], check=True)
        library = ctypes.CDLL(f"{folder}/kernel.so")

    def run(values, grid, block, room, first=0):
        values = (ctypes.c_uint64 * len(values))(*values)
        library.launch(values, first, grid, *block, ctypes.c_int64(room), 1)

    return run
