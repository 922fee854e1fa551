"""``python -m fastinit``: what this build is, and whether its known answers come out."""

import sys

from . import show_config


def main() -> int:
    config = show_config()
    for name, value in config.items():
        print(f"{name + ':':<16}{', '.join(value) if isinstance(value, list) else value}")
    return 0 if config["self_check"] else 1


if __name__ == "__main__":
    sys.exit(main())
