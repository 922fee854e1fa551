"""What users call: each imports torch when it is called, and not before."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ..checks import is_integer
from ..generator import Generator, Randomness
from ..show.tables import Table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import torch

    from .hearing import Hearing
    from .recipe import Recipe
    from .rules import Rules

P = ParamSpec("P")
M = TypeVar("M", bound="torch.nn.Module")


def patch_torch(generator: Randomness = None, *, defer: bool = True) -> "AbstractContextManager[Hearing]":
    """Within it, what torch's code draws is drawn by fastinit: build a model inside, train it outside.

    torch's layers, ``torch.nn.init``, ``Tensor.normal_`` and ``uniform_``, ``torch.randn`` and ``rand`` and their
    ``_like``, whoever calls them and under whatever name, on this thread. Their laws stay what they are; constants,
    dropout and integers stay torch's. Nothing is left of it afterwards.

    Parameters
    ----------
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, one key a draw, in the order in which torch's code asks. None: torch's default
        generator, so that ``torch.manual_seed`` decides. A generator in the call itself wins.
    defer : bool
        Whether a draw waits until its memory is read, or the context is left: what is drawn twice is then filled once,
        and what is freed unread never. The values are the same without.

    Returns
    -------
    context manager

    Notes
    -----
    Waiting is safe for whatever reads through torch's own calls. What reads memory behind them, such as a C++
    extension, a compiled function or a collective between processes, must not be given a tensor made inside until the
    context is left; else pass ``defer=False``. A call that draws nothing costs about 3 microseconds more inside.

    The order in which a model's code asks decides the values, as in torch: a layer more changes the later ones.
    `init_model_` keys each parameter by its name instead.

    Examples
    --------
    >>> import fastinit, torch
    >>> with fastinit.patch_torch(generator=0):
    ...     layer = torch.nn.Linear(784, 128)
    >>> by_hand = fastinit.kaiming_uniform_(torch.empty(128, 784), a=5**0.5, generator=fastinit.Generator(0))
    >>> torch.equal(layer.weight, by_hand)
    True
    """
    from .hearing import Hearing
    from .waiting import Waiting

    return Hearing(Generator(generator) if is_integer(generator) else generator, Waiting() if defer else None)


def deferred_init(module_fn: "Callable[P, M]", *args: P.args, **kwargs: P.kwargs) -> M:
    """Build a model of any size without drawing: its parameters have no memory yet, and their recipe is kept.

    The constructor runs as always, on the CPU, and everything else is real: buffers, numbers, modules. Memory that
    nobody has written to costs none, so a model of 70 billion parameters takes a second and a few megabytes. Shard it,
    compile it, wrap it; then `init_model_` makes the memory and fills it, or `init_safetensors` writes it to disk.

    Parameters
    ----------
    module_fn : callable
        What returns a ``torch.nn.Module``: a class, a function.
    *args, **kwargs
        All of them are module_fn's.

    Returns
    -------
    torch.nn.Module
        Its parameters on the meta device, ties kept, buffers with their values.

    Raises
    ------
    TypeError
        module_fn returned no module. What it raises itself is passed on.

    Notes
    -----
    What the constructor reads is drawn, and what it computes is kept as values ("values" in the recipe): they follow
    torch's default generator, so seed it alike on every process. A single tensor that is larger than the memory and
    swap of the machine may be refused by the system.

    Examples
    --------
    >>> import fastinit, torch
    >>> model = fastinit.deferred_init(torch.nn.Linear, 10_000, 10_000)
    >>> model.weight.device.type
    'meta'
    >>> fastinit.recipe(model)
    parameter           shape                      steps
    weight     (10000, 10000)  kaiming_uniform_(a=2.236)
    bias             (10000,)  uniform_(a=-0.01, b=0.01)
    """
    from . import deferred

    return deferred.deferred_init(module_fn, *args, **kwargs)


def recipe(model: "torch.nn.Module") -> "Recipe":
    """What a model's own code does to each parameter, by name: a mapping, shown as a table. Nothing is touched.

    What `deferred_init` kept, or what waits inside `patch_torch`; for every other parameter the ``reset_parameters`` of
    its modules, children first, and the model's ``_init_weights`` are asked again, and what they would do is noted.

    Parameters
    ----------
    model : torch.nn.Module
        Wrapped, compiled or sharded, too. On any device.

    Returns
    -------
    Recipe
        A dict. `init_model_` takes it as rules: ``{**recipe(model), "head.weight": rule}`` replaces one,
        ``{"*.c_proj.weight": rule, **recipe(model)}`` comes before all. A parameter that only the constructor fills is
        not in it, unless the model was built by `deferred_init`.

    Raises
    ------
    ValueError
        The model's own code raised; the sentence says where.

    Examples
    --------
    >>> import fastinit, torch
    >>> fastinit.recipe(torch.nn.Embedding(10, 4, padding_idx=0))
    parameter    shape                        steps
    weight     (10, 4)  normal_(), then [0, 0:4]: 0
    """
    from . import asking

    return asking.recipe(model)


def init_model_(
    model: "torch.nn.Module", rules: "Rules | None" = None, generator: Randomness = None, *,
    device: "str | torch.device" = "cpu", strict: bool = True, dry_run: bool = False, check: bool = False,
) -> Table:  # fmt: skip
    """Fill every parameter of a model by rule, each under a key of its own name, and tell what was done.

    A layer more changes no other layer's values; nor does wrapping, compiling or sharding the model. All is planned and
    checked before anything is filled: after an error the model is what it was.

    Parameters
    ----------
    model : torch.nn.Module
        Real, or on the meta device (see `deferred_init`): then memory is made. Buffers are left.
    rules : None, dict, list of pairs, or one initialiser
        None: what the model's own code does (`recipe`). Pairs of pattern and rule, of which the FIRST that matches a
        parameter is taken. One initialiser: for weights of two or more axes; scales of norms become 1, biases 0,
        embeddings are left.

        A pattern is a name with ``*`` and ``?``; a compiled regular expression for the whole name; a class of modules,
        for its parameters of two or more axes; or a function of (name, parameter, module).

        A rule is an initialiser of fastinit or torch.nn.init, or a ``partial`` of one; a number; any function
        ``f(tensor, generator=)``; None: the parameter is left; or a `fastinit.models.presets.Depends`, which
        chooses. What a shape does
        not tell is added: the layout and groups of convolutions and of GPT-2's Conv1D, the fans of packed attention and
        stacked gates. Padding rows of embeddings become 0.
    generator : int, Generator, or a generator of NumPy or torch, optional
        The root: a parameter gets ``root.fold_in(name)``. None: one draw of torch's default generator, which must then
        be seeded alike on every process.
    device : str or torch.device
        Where meta parameters get their memory.
    strict : bool
        Whether a parameter without a rule, and a name that no parameter has, are errors. Else it is left.
    dry_run : bool
        Only tell.
    check : bool
        Whether the table has the standard deviations that were measured, too.

    Returns
    -------
    Table
        Parameter, shape, rule, the std it gives, fan in, fan out, a note (what is tied to it), the seed of its key.

    Raises
    ------
    TypeError, ValueError
        A rule cannot be used, or there is none, and why, with the parameter's name. Nothing is filled then.

    Notes
    -----
    A weight of three axes that is a stack of matrices (experts, say) has no fans that a shape tells: give ``fans=``.
    `orthogonal_`, `sparse_` and one's own functions need the whole tensor, on every process that holds a part of it.

    Examples
    --------
    >>> import fastinit, torch
    >>> from functools import partial
    >>> net = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    >>> fastinit.init_model_(net, partial(fastinit.kaiming_normal_, nonlinearity="relu"), generator=0)
    parameter       shape                                  rule     std  fan in  fan out  note              seed
    0.weight   (128, 784)  kaiming_normal_(nonlinearity='relu')  0.0505     784      128        b2f1f355ae40967f
    0.bias         (128,)                                     0       0                         e77216dd67699721
    2.weight    (10, 128)  kaiming_normal_(nonlinearity='relu')   0.125     128       10        f7980d41448ab976
    2.bias          (10,)                                     0       0                         99d538fbe47bc2b8
    """
    from . import filling

    return filling.init_model_(model, rules, generator, device, strict, dry_run, check)


def init_safetensors(
    model: "torch.nn.Module", directory: "str | os.PathLike[str]", rules: "Rules | None" = None,
    generator: Randomness = None, *, strict: bool = True, max_shard_size: int | str = "5GB",
) -> dict[str, str]:  # fmt: skip
    """Write a model's initial weights as safetensors files: those of `init_model_`, in the memory of one buffer.

    Parameters
    ----------
    model : torch.nn.Module
        Built by `deferred_init`, say: memory does not grow with it. It is left as it is.
    directory : path
        Made if it is not there. The files have the names of ``save_pretrained``: ``model.safetensors``, or numbered
        ones and ``model.safetensors.index.json``.
    rules, generator, strict
        As in `init_model_`.
    max_shard_size : int or str
        Bytes a file, or such text as "5GB" or "500MiB"; a larger tensor gets a file of its own.

    Returns
    -------
    dict
        The file of each tensor, by name. A tied parameter is written once, under its first name; buffers that belong
        to the model's state are written too.

    Raises
    ------
    TypeError, ValueError
        As in `init_model_`, and for a dtype that has no name in such files. Nothing is written then.
    OSError
        A full disk, say. What was written is taken away again, and files that were there before are as they were.

    Examples
    --------
    >>> import fastinit, tempfile, torch
    >>> model = fastinit.deferred_init(torch.nn.Linear, 1000, 1000)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     fastinit.init_safetensors(model, directory, generator=0)
    {'weight': 'model.safetensors', 'bias': 'model.safetensors'}
    """
    from . import disk

    return disk.init_safetensors(model, directory, rules, generator, strict, max_shard_size)
