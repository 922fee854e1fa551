"""How long does building a whole model take, in a fresh process and again in a warm one, beside torch?"""

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable

import fastinit

from .common import check, peer, table

ROUNDS = 5
Build = Callable[[], object]


def of_transformers() -> dict[str, Build]:
    """Full-sized models from configurations, without weights from anywhere."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    tf = peer("transformers")
    if tf is None:
        return {}
    tf.logging.set_verbosity_error()
    llama = tf.LlamaConfig(
        hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, vocab_size=32000
    )
    return {
        "GPT-2": lambda: tf.GPT2LMHeadModel(tf.GPT2Config()),
        "BERT-base": lambda: tf.BertModel(tf.BertConfig()),
        "Llama-style": lambda: tf.LlamaForCausalLM(llama),
        "ViT-B": lambda: tf.ViTForImageClassification(tf.ViTConfig(num_labels=1000)),
    }


def torchs_layers(d: int = 512) -> object:
    from torch import nn

    return nn.ModuleDict({
        "convolutions": nn.Sequential(*(nn.Conv2d(d // 2, d // 2, 3) for _ in range(8)), nn.BatchNorm2d(d // 2)),
        "transformer": nn.Transformer(d, 8, 6, 6, 4 * d, batch_first=True), "lstm": nn.LSTM(d, d, 2),
        "embedding": nn.Embedding(32000, d, padding_idx=0), "head": nn.Linear(d, 1000),
    })  # fmt: skip


def patched(build: Build, defer: bool) -> object:
    with fastinit.patch_torch(defer=defer):
        return build()


def by_name(build: Build) -> object:
    model = fastinit.deferred_init(build)
    fastinit.init_model_(model, generator=0)
    return model


WAYS: dict[str, Callable[[Build], object]] = {
    "torch": lambda build: build(),
    "patch_torch, at once": lambda build: patched(build, False),
    "patch_torch": lambda build: patched(build, True),
    "by name": by_name,
    "construction alone": fastinit.deferred_init,
}


def in_a_child(way: Callable[[Build], object], build: Build, again: bool) -> tuple[float, float]:
    """User and system seconds of a build in a process forked from this one; again: of its third build there."""
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            for _ in range(2 if again else 0):
                way(build)
            before = resource.getrusage(resource.RUSAGE_SELF)
            model = way(build)
            after = resource.getrusage(resource.RUSAGE_SELF)
            used = [getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime")]
            os.write(write, json.dumps(used).encode())
            del model
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        user, system = json.load(answer)
    os.waitpid(child, 0)
    return user, system


def best(build: Build, again: bool) -> dict[str, tuple[float, float]]:
    """The least of both together, of interleaved rounds."""
    found: dict[str, tuple[float, float]] = {}
    for _ in range(ROUNDS):
        for name, way in WAYS.items():
            found[name] = min(found.get(name, (9e9, 9e9)), in_a_child(way, build, again), key=sum)
    return found


def cost_of_a_call() -> None:
    """What code pays that draws nothing."""
    torch = peer("torch")
    assert torch is not None
    x = torch.ones(4)

    def seconds(count: int = 20_000) -> float:
        start = time.perf_counter()
        for _ in range(count):
            torch.add(x, 1)
        return (time.perf_counter() - start) / count

    outside, inside, waiting = [], [], []
    for _ in range(ROUNDS):
        outside.append(seconds())
        with fastinit.patch_torch():
            inside.append(seconds())
            kept = torch.empty(3).normal_()
            waiting.append(seconds())
        del kept
    print("microseconds of torch.add on 4 elements\n")
    table(
        ["outside patch_torch", "inside", "inside, while something waits"],
        [[f"{min(times) * 1e6:.1f}" for times in (outside, inside, waiting)]],
    )


def main() -> None:
    torch = peer("torch")
    if torch is None:
        print("torch is not installed")
        return
    warnings.simplefilter("ignore")  # transformers' own
    fastinit.set_num_threads(1)
    torch.set_num_threads(1)
    models = {**of_transformers(), "torch's own layers": torchs_layers}
    models = {name: build for name, build in models.items() if not sys.argv[1:] or name in sys.argv[1:]}
    sizes = {}
    for name, build in models.items():
        for way in WAYS.values():  # imports, caches
            model = way(build)
            sizes[name] = sum(p.numel() for p in model.parameters())
        model = fastinit.deferred_init(build)
        done = {row[0]: row for row in fastinit.init_model_(model, generator=0)}
        name_of, largest = max(model.named_parameters(), key=lambda pair: pair[1].numel())
        check(largest.detach().numpy(), 0.0, done[name_of][3])
    for again in (False, True):
        rows = []
        for name, build in models.items():
            times = best(build, again)
            theirs = sum(times["torch"])
            cells = [f"{u:.2f} + {s:.2f} ({theirs / max(u + s, 1e-3):.1f}x)" for u, s in list(times.values())[1:]]
            rows.append([name, f"{sizes[name] / 1e6:.0f} M", "{:.2f} + {:.2f}".format(*times["torch"]), *cells])
        where = "built a third time in the same process" if again else "built in a fresh process"
        print(f"{where}: user + system seconds, one thread, the best of {ROUNDS}\n")
        table(["model", "parameters", *WAYS], rows)
    cost_of_a_call()


if __name__ == "__main__":
    main()
