"""Every architecture of transformers in its default size: built without drawing, its recipe read. Nothing is fetched.

Run: make sweep-models, or python tools/sweep_models.py [SECONDS [FIRST]]. Each in a process of its own, under limits of
time and memory. A line each: parameters, seconds, megabytes, what its steps are, and what was read while it was built;
or why there is none. A size in which transformers itself builds no model (a package or an argument is missing) counts
as its own failure.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections import Counter

SECONDS, MEGABYTES = 40, 3500  # for one architecture


def megabytes() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def watch(answer: int) -> None:
    """End the process, with a word, where it takes too much memory."""
    while True:
        time.sleep(0.05)
        if megabytes() > MEGABYTES:
            os.write(answer, json.dumps({"failed": f"more than {MEGABYTES} MB"}).encode())
            os._exit(1)


def build(name: str, answer: int) -> None:
    """In a child: what there is to say about one architecture."""
    import fastinit
    from fastinit.models.waiting import Waiting
    from transformers import CONFIG_MAPPING, AutoModel

    threading.Thread(target=watch, args=(answer,), daemon=True).start()
    signal.alarm(SECONDS)
    try:
        config, before = CONFIG_MAPPING[name](), megabytes()
        early: list[int] = []
        carry_out = Waiting.carry_out
        Waiting.carry_out = lambda self, these: (early.extend(these := list(these)), carry_out(self, these))[1]
        started = time.perf_counter()
        model = fastinit.deferred_init(AutoModel.from_config, config)
        seconds = time.perf_counter() - started
        recipe = fastinit.recipe(model)
        kinds = Counter(str(step).partition("(")[0] for one in recipe.values() for _, step in one.steps)
        lost = sum(p.is_meta and name not in recipe for name, p in model.named_parameters())
        said = {
            "parameters": sum(p.numel() for p in model.parameters()), "seconds": round(seconds, 2),
            "megabytes": round(megabytes() - before), "steps": kinds.most_common(4), "without": lost,
        }  # fmt: skip
    except BaseException as error:
        said = {"failed": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:90]}"}
    os.write(answer, json.dumps(said).encode())


def in_a_child(name: str) -> dict:
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            os.close(read)
            build(name, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"failed": f"more than {SECONDS} seconds, or signal {status & 127}"}


def main() -> int:
    warnings.simplefilter("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    import fastinit
    import torch
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    transformers.logging.set_verbosity_error()
    from transformers import AutoModel, BertConfig

    fastinit.deferred_init(AutoModel.from_config, BertConfig())  # what all of them import
    torch.set_num_threads(1)
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 1e9
    names = [name for name in sorted(MODEL_MAPPING_NAMES) if name >= (sys.argv[2] if len(sys.argv) > 2 else "")]
    print(f"fastinit {fastinit.__version__}, torch {torch.__version__}, transformers {transformers.__version__}")
    started, built, failed, total, without = time.perf_counter(), 0, 0, 0, 0
    for name in names:
        if time.perf_counter() - started > limit:
            print(f"stopped before {name}")
            break
        said = in_a_child(name)
        if "failed" in said:
            failed += 1
            print(f"{name}: {said['failed']}")
        else:
            built, total, without = built + 1, total + said["parameters"], without + said["without"]
            kinds = ", ".join(f"{count} {kind}" for kind, count in said["steps"])
            print(f"{name}: {said['parameters']:,}; {said['seconds']} s; {said['megabytes']} MB; {kinds}", flush=True)
    print(f"{built} built, {total / 1e12:.2f} T parameters, {without} without steps; {failed} not built")
    return int(without > 0)


if __name__ == "__main__":
    sys.exit(main())
