"""zig as gcc: python tools/zig_cc.py TARGET ARGUMENT..., with the arguments of setuptools and of this project.

zig (the package ziglang) compiles and links for every platform from any. It spells instruction sets its own way
(-march=x86-64-v2 -mavx2 is -mcpu=x86_64_v2+avx2), and for Windows it takes neither -fPIC nor -pthread.
"""

import subprocess
import sys


def translate(target: str, arguments: list[str]) -> list[str]:
    """gcc's arguments in zig's words."""
    cpu, features, rest = "", "", []
    for argument in arguments:
        if argument.startswith("-march="):
            cpu = argument.removeprefix("-march=").replace("-", "_")
        elif cpu and argument.startswith("-m") and "=" not in argument:
            features += "+" + argument.removeprefix("-m")
        elif not ("windows" in target and argument in ("-fPIC", "-pthread")):
            rest.append(argument)
    return [f"-mcpu={cpu}{features}", *rest] if cpu else rest


def main() -> int:
    target, *arguments = sys.argv[1:]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *translate(target, arguments)]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
