"""Run a WASI program under wasmtime: python tests/wasi.py PROGRAM ARGUMENT... sees the current folder, and no other."""

import sys

from wasmtime import Engine, ExitTrap, Func, Linker, Module, Store, WasiConfig


def main() -> int:
    engine = Engine()
    store, linker, config = Store(engine), Linker(engine), WasiConfig()
    config.argv = sys.argv[1:]
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    config.preopen_dir(".", ".")
    store.set_wasi(config)
    linker.define_wasi()
    start = linker.instantiate(store, Module.from_file(engine, sys.argv[1])).exports(store)["_start"]
    assert isinstance(start, Func)
    try:
        start(store)
    except ExitTrap as ended:
        return ended.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
