"""Rules for `init_model_`, as data to read, extend and override: lists of (pattern, rule), the first match wins.

Which weights end a residual branch, hold values or make up an MLP is a pattern over names, shown in the table that
`init_model_` returns. A pattern that no parameter of a model matches is an error: give your own.

Examples
--------
>>> import fastinit, torch
>>> net = torch.nn.ModuleDict({"c_fc": torch.nn.Linear(64, 256), "c_proj": torch.nn.Linear(256, 64)})
>>> rules = [("c_fc.bias", 0.1), *fastinit.presets.gpt2(n_layer=8)]
>>> fastinit.init_model_(net, rules, generator=0).column("rule")
['normal_(std=0.02)', '0.1', 'normal_(std=0.005)', '0']
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..initializers.constants import ones_, zeros_
from ..initializers.fans import compute_fans
from ..initializers.random import normal_, uniform_
from ..initializers.scaling import variance_scaling_, xavier_normal_, xavier_uniform_

if TYPE_CHECKING:
    import torch

Pattern: TypeAlias = str | re.Pattern[str] | Callable[[str, Any, Any], bool]  # Any: of torch, not imported here
Preset: TypeAlias = list[tuple[Any, Any]]  # (pattern, rule)

__all__ = ["gpt2", "depth_scaled", "small", "t_fixup", "fixup", "deepnorm", "mup", "siren", "neutral", "Depends"]

# where names say what a weight is for
RESIDUAL = re.compile(r"(.*\.)?(c_proj|o_proj|out_proj|down_proj|wo|w2|fc2|linear2)\.weight")
VALUES = re.compile(r"(.*\.)?(v_proj|value|value_proj|wv)\.weight")
MLP = re.compile(r"(.*\.)?(c_fc|mlp\.c_proj|fc1|fc2|linear1|linear2|gate_proj|up_proj|down_proj|w1|w2|w3)\.weight")
BRANCH = re.compile(r"(.*\.)?layer\d+\.\d+\.conv\d+\.weight")  # torchvision's
CLASSIFIER = re.compile(r"(.*\.)?(fc|classifier|head)\.weight")


class Depends(NamedTuple):
    """A rule that depends on the parameter: ``choose(name, parameter, module)`` gives the rule.

    Examples
    --------
    >>> from functools import partial
    >>> import fastinit, torch
    >>> by_width = fastinit.presets.Depends(lambda name, p, module: partial(fastinit.normal_, std=1 / p.shape[-1]))
    >>> fastinit.init_model_(torch.nn.Linear(100, 10), [("weight", by_width), ("bias", 0)], generator=0).column("std")
    [0.01, 0.0]
    """

    choose: Callable[[str, Any, Any], Any]


def is_norm_weight(name: str, tensor: "torch.Tensor", module: "torch.nn.Module") -> bool:
    """The scale of a normalisation."""
    return "norm" in type(module).__name__.lower() and name.endswith("weight")


def is_bias(name: str, tensor: "torch.Tensor", module: "torch.nn.Module") -> bool:
    """A bias, whatever it is called: bias, in_proj_bias, bias_hh_l0."""
    leaf = name.rsplit(".", 1)[-1]
    return leaf.startswith("bias") or leaf.endswith("bias")


def is_embedding(name: str, tensor: "torch.Tensor", module: "torch.nn.Module") -> bool:
    """A table of embeddings."""
    return "embedding" in type(module).__name__.lower() and tensor.dim() == 2


def neutral() -> Preset:
    """What nobody wants random: scales of norms 1, biases 0. Put it before a rule for the rest.

    Examples
    --------
    >>> import fastinit, torch
    >>> rules = [*fastinit.presets.neutral(), ("*", fastinit.xavier_normal_)]
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))
    >>> fastinit.init_model_(net, rules, generator=0).column("rule")
    ['xavier_normal_()', '0', '1', '0']
    """
    return [(is_norm_weight, ones_), (is_bias, zeros_)]


def _normal(std: float) -> Callable[..., object]:
    return partial(normal_, std=std)


def gpt2(n_layer: int, std: float = 0.02, *, residual: Pattern = RESIDUAL) -> Preset:
    """GPT-2's: N(0, std^2), the weights that end a residual branch divided by sqrt(2 n_layer), norms 1, biases 0.

    A block adds two branches to its stream, so N = 2 n_layer of them add up to a variance that does not grow with N.
    It needs nothing else.

    Parameters
    ----------
    n_layer : int
        Blocks.
    std : float
        Of everything else.
    residual : pattern
        Of the weights that end a residual branch.

    References
    ----------
    Radford et al. (2019), "Language models are unsupervised multitask learners", section 2.3 (1 / sqrt(N)).

    Examples
    --------
    >>> import fastinit
    >>> [rule.keywords for pattern, rule in fastinit.presets.gpt2(n_layer=8) if pattern is fastinit.presets.RESIDUAL]
    [{'std': 0.005}]
    """
    return [(residual, _normal(std / math.sqrt(2 * n_layer))), *neutral(), ("*", _normal(std))]


def depth_scaled(std: float = 0.02, *, residual: Pattern = RESIDUAL) -> Preset:
    """N(0, std^2), the weights that end a residual branch divided by sqrt(2 (l + 1)) in layer l = 0, 1, ...

    The layer is the first whole number in the name: ``h.3.mlp.c_proj.weight`` is of layer 3. It needs nothing else.

    Parameters
    ----------
    std : float
    residual : pattern
        Of the weights that end a residual branch.

    References
    ----------
    Zhang, Titov and Sennrich (2019), "Improving deep Transformer with depth-scaled initialization and merged
    attention", eq. 6, which divides by sqrt(l); with the factor 2, for two branches a block, in torchtitan and OLMo.

    Examples
    --------
    >>> import fastinit
    >>> pattern, rule = fastinit.presets.depth_scaled()[0]
    >>> round(rule.choose("layers.7.mlp.down_proj.weight", None, None).keywords["std"], 6)
    0.005
    """

    def by_layer(name: str, tensor: object, module: object) -> Callable[..., object]:
        layer = next((int(part) for part in name.split(".") if part.isdecimal()), None)
        if layer is None:
            raise ValueError(f"its name, {name}, has no number, which would be its layer; give residual= a pattern")
        return _normal(std / math.sqrt(2 * (layer + 1)))

    return [(residual, Depends(by_layer)), *neutral(), ("*", _normal(std))]


def small(width: int, n_layer: int, *, residual: Pattern = RESIDUAL) -> Preset:
    """N(0, 2 / (5 width)), the weights that end a residual branch of std 2 / (n_layer sqrt(width)); norms 1, biases 0.

    Xavier's variance of a layer from width to 4 width, for every layer. It needs nothing else.

    Parameters
    ----------
    width : int
        Of the model's stream, d.
    n_layer : int
        Blocks.
    residual : pattern
        Of the weights that end a residual branch.

    References
    ----------
    Nguyen and Salazar (2019), "Transformers without tears", section 2.2 (SmallInit); Wang and Komatsuzaki (2021),
    GPT-J, for the branches' ends; both in Black et al. (2022), "GPT-NeoX-20B", section 3.2.

    Examples
    --------
    >>> import fastinit
    >>> [rule.keywords for pattern, rule in fastinit.presets.small(1000, 20) if pattern == "*"]
    [{'std': 0.02}]
    """
    ends = 2 / (n_layer * math.sqrt(width))
    return [(residual, _normal(ends)), *neutral(), ("*", _normal(math.sqrt(2 / (5 * width))))]


def t_fixup(n_layer: int, *, values: Pattern = VALUES, residual: Pattern = RESIDUAL, mlp: Pattern = MLP) -> Preset:
    """T-Fixup's weights, for a Transformer without layer normalisation: Xavier's, scaled where branches add up.

    Embeddings: N(0, 1 / d), times (9 N)^(-1/4). Values, attention's outputs and the MLP: times 0.67 N^(-1/4) in the
    encoder, (9 N)^(-1/4) in the decoder (names with "decoder" in them). The rest, queries and keys among it: Xavier.

    The method is more than this: remove every layer normalisation, and the learning rate's warm-up. Adam.

    Parameters
    ----------
    n_layer : int
        N: layers of the encoder, and of the decoder.
    values, residual, mlp : pattern
        Of the value projections, which must not be packed with queries and keys; attention's outputs; the MLP.

    References
    ----------
    Huang, Perez, Ba and Volkovs (2020), "Improving Transformer optimization through better initialization", section
    3.2 (the list that ends it).

    Examples
    --------
    >>> import fastinit
    >>> pattern, rule = fastinit.presets.t_fixup(n_layer=6)[0]
    >>> [round(rule.choose(f"{part}.0.fc1.weight", None, None).keywords["gain"], 3) for part in ("encoder", "decoder")]
    [0.428, 0.369]
    """
    decoder = (9 * n_layer) ** -0.25

    def of_branch(name: str, tensor: object, module: object) -> Callable[..., object]:
        return partial(xavier_uniform_, gain=decoder if "decoder" in name else 0.67 * n_layer**-0.25)

    def of_embedding(name: str, tensor: Any, module: object) -> Callable[..., object]:
        return _normal(decoder / math.sqrt(tensor.shape[-1]))

    branches = [(pattern, Depends(of_branch)) for pattern in (values, residual, mlp)]
    return [*branches, (is_embedding, Depends(of_embedding)), *neutral(), ("*", xavier_uniform_)]


def deepnorm(
    *, encoder: int = 0, decoder: int = 0, values: Pattern = VALUES, residual: Pattern = RESIDUAL, mlp: Pattern = MLP
) -> Preset:
    """DeepNorm's weights: Xavier's, times beta where branches add up (values, attention's outputs, the MLP).

    The method is more than this: normalise after the sum, LayerNorm(alpha x + f(x)), with an alpha of its own.

    ==============================  ====================  =======================
    part                            alpha                 beta
    ==============================  ====================  =======================
    encoder or decoder, N layers    (2 N)^(1/4)           (8 N)^(-1/4)
    encoder of N, with a decoder    0.81 (N^4 M)^(1/16)   0.87 (N^4 M)^(-1/16)
    decoder of M, with an encoder   (3 M)^(1/4)           (12 M)^(-1/4)
    ==============================  ====================  =======================

    Parameters
    ----------
    encoder, decoder : int
        Layers, N and M. With both, names with "decoder" in them are of the decoder.
    values, residual, mlp : pattern
        Of the value projections, which must not be packed with queries and keys; attention's outputs; the MLP.

    References
    ----------
    Wang et al. (2022), "DeepNet: scaling Transformers to 1,000 layers", figure 2.

    Examples
    --------
    >>> import fastinit
    >>> pattern, rule = fastinit.presets.deepnorm(decoder=100)[0]
    >>> round(rule.choose("layers.0.v_proj.weight", None, None).keywords["gain"], 4)
    0.188
    """
    if encoder < 1 and decoder < 1:
        raise ValueError(f"encoder={encoder}, decoder={decoder}; give how many layers there are, of one or both")
    both = encoder > 0 and decoder > 0
    of_encoder = 0.87 * (encoder**4 * decoder) ** (-1 / 16) if both else (8 * max(encoder, decoder)) ** -0.25
    of_decoder = (12 * decoder) ** -0.25 if both else of_encoder

    def of_branch(name: str, tensor: object, module: object) -> Callable[..., object]:
        return partial(xavier_normal_, gain=of_decoder if "decoder" in name else of_encoder)

    branches = [(pattern, Depends(of_branch)) for pattern in (values, residual, mlp)]
    return [*branches, *neutral(), ("*", xavier_normal_)]


def fixup(
    n_branch: int, n_weight: int = 2, *, branch: Pattern = BRANCH, last: Pattern | None = None,
    classifier: Pattern = CLASSIFIER,
) -> Preset:  # fmt: skip
    """Fixup's weights, for a residual network without normalisation: He's, scaled in the branches, whose last is 0.

    The classifier and the last layer of each branch: 0. The other layers of a branch: He's times L^(-1 / (2 m - 2)).
    Everything else: He's.

    The method is more than this: remove the normalisations; before each convolution, linear layer and activation add a
    scalar that begins at 0, and in each branch a factor that begins at 1.

    Parameters
    ----------
    n_branch : int
        L, the residual branches of the network.
    n_weight : int
        m, the layers of a branch, from 2 on.
    branch, last, classifier : pattern
        Of the weights in branches, of those that end one (default: ``conv<m>`` of torchvision's names), and of the
        classifier.

    References
    ----------
    Zhang, Dauphin and Ma (2019), "Fixup initialization: residual learning without normalization", section 3.

    Examples
    --------
    >>> import fastinit
    >>> rules = fastinit.presets.fixup(n_branch=16, n_weight=2)
    >>> rules[0][1].__name__, rules[2][1].keywords["scale"]
    ('zeros_', 0.125)
    """
    if n_weight < 2:
        raise ValueError(f"n_weight={n_weight}; a branch of one layer would stay 0: give 2 or more")
    ends = re.compile(rf"(.*\.)?layer\d+\.\d+\.conv{n_weight}\.weight") if last is None else last
    he = partial(variance_scaling_, scale=2.0, mode="fan_in", distribution="normal")
    scaled = partial(he, scale=2.0 * n_branch ** (-1 / (n_weight - 1)))
    return [(ends, zeros_), (classifier, zeros_), (branch, scaled), *neutral(), ("*", he)]


def mup(base: "torch.nn.Module | Mapping[str, tuple[int, ...]]", std: float = 0.02) -> Preset:
    """muP's variances: how std follows the widths, from those of a base model in which it is the same for all.

    A matrix whose two axes are wider than the base's (hidden): std / sqrt(r), where r is the fan in over the base's.
    One whose fan in alone is wider (output): std / r. One whose fan out alone is (input, embedding), or none: std.

    The method is more than this: Adam's learning rate of hidden and output weights is divided by r, and attention's
    logits by d, not sqrt(d). With the output's std / r, as in table 3, no factor in the forward pass is needed.

    Parameters
    ----------
    base : torch.nn.Module or mapping
        A narrower model of the same names (`fastinit.deferred_init` makes one without memory), or its shapes by name.
    std : float
        Of the base model.

    References
    ----------
    Yang et al. (2022), "Tensor programs V: tuning large neural networks via zero-shot hyperparameter transfer", table
    3.

    Examples
    --------
    >>> import fastinit, torch
    >>> def build(n):
    ...     return torch.nn.Sequential(torch.nn.Linear(9, n), torch.nn.Linear(n, n), torch.nn.Linear(n, 2))
    >>> rules = fastinit.presets.mup(build(64), std=0.1)
    >>> fastinit.init_model_(build(256), rules, generator=0).column("std")
    [0.1, 0.0, 0.05, 0.0, 0.025, 0.0]
    """
    shapes = base if isinstance(base, Mapping) else {name: tuple(p.shape) for name, p in base.named_parameters()}

    def by_width(name: str, tensor: Any, module: Any) -> Callable[..., object]:
        if name not in shapes:
            raise ValueError(f"the base model of mup has no parameter {name}; give one of the same names")
        shape, narrow = tuple(tensor.shape), tuple(shapes[name])
        if len(narrow) != len(shape):
            raise ValueError(f"the base model's {name} has shape {narrow}, this one {shape}; give one as deep")
        if len(shape) < 2 or is_embedding(name, tensor, module):
            return _normal(std)
        layout = "...IO" if type(module).__name__ == "Conv1D" else "OI..."  # GPT-2's
        (fan_in, fan_out), (base_in, base_out) = compute_fans(shape, layout=layout), compute_fans(narrow, layout=layout)
        ratio = fan_in / base_in
        return _normal(std / (math.sqrt(ratio) if fan_out != base_out else ratio))

    return [*neutral(), ("*", Depends(by_width))]


def siren(first: Pattern, omega: float = 30.0) -> Preset:
    """SIREN's, for networks of sin(omega (W x + b)): the first layer on [-1/n, 1/n], others +-sqrt(6/n) / omega.

    n is the fan in. Biases as torch's Linear has them, +-1 / sqrt(n), as in the authors' code. The method is more than
    this: the sines, with this omega in each.

    Parameters
    ----------
    first : pattern
        Of the first layer's weight, such as ``"net.0.weight"``.
    omega : float
        omega_0.

    References
    ----------
    Sitzmann, Martel, Bergman, Lindell and Wetzstein (2020), "Implicit neural representations with periodic activation
    functions", section 3.2 and supplement 1.5.

    Examples
    --------
    >>> import fastinit, torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 150), torch.nn.Linear(150, 1))
    >>> fastinit.init_model_(net, fastinit.presets.siren("0.weight"), generator=0).column("rule")[::2]
    ['uniform_(a=-0.5, b=0.5)', 'uniform_(a=-0.006667, b=0.006667)']
    """

    def within(bound: Callable[[float], float]) -> Depends:
        def rule(name: str, tensor: object, module: Any) -> Callable[..., object]:
            r = bound(compute_fans(module.weight)[0])
            return partial(uniform_, a=-r, b=r)

        return Depends(rule)

    return [
        (first, within(lambda n: 1 / n)),
        (is_bias, within(lambda n: 1 / math.sqrt(n))),
        ("*", within(lambda n: math.sqrt(6 / n) / omega)),
    ]
