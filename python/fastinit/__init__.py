"""Weight initialisation for NumPy arrays and torch tensors: all of torch.nn.init, the same bits everywhere."""

from ._core import (
    dsigmoid,
    dtanh,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from .activations import (
    Activation,
    activations,
)
from .config import (
    get_num_threads,
    set_num_threads,
    show_config,
)
from .generator import (
    Generator,
    default_generator,
    manual_seed,
)
from .initializers.constants import (
    constant_,
    ones_,
    zeros_,
)
from .initializers.deprecated import (
    constant,
    dirac,
    eye,
    kaiming_normal,
    kaiming_uniform,
    normal,
    orthogonal,
    sparse,
    uniform,
    xavier_normal,
    xavier_uniform,
)
from .initializers.fans import (
    compute_fans,
)
from .initializers.gains import (
    activation_gain,
    calculate_gain,
)
from .initializers.lsuv import (
    lsuv_,
)
from .initializers.matrices import (
    bilinear_,
    delta_orthogonal_,
    dirac_,
    eye_,
    identity_,
    orthogonal_,
)
from .initializers.random import (
    normal_,
    sparse_,
    trunc_normal_,
    truncated_std,
    uniform_,
)
from .initializers.scaling import (
    glorot_normal_,
    glorot_uniform_,
    he_normal_,
    he_uniform_,
    kaiming_normal_,
    kaiming_uniform_,
    lecun_normal_,
    lecun_uniform_,
    variance_scaling_,
    xavier_normal_,
    xavier_uniform_,
)
from .initializers.underscored import (
    _calculate_correct_fan as _calculate_correct_fan,
)
from .initializers.underscored import (
    _calculate_fan_in_and_fan_out as _calculate_fan_in_and_fan_out,
)
from .initializers.underscored import (
    _make_deprecate as _make_deprecate,
)
from .initializers.underscored import (
    _no_grad_fill_ as _no_grad_fill_,
)
from .initializers.underscored import (
    _no_grad_normal_ as _no_grad_normal_,
)
from .initializers.underscored import (
    _no_grad_trunc_normal_ as _no_grad_trunc_normal_,
)
from .initializers.underscored import (
    _no_grad_uniform_ as _no_grad_uniform_,
)
from .initializers.underscored import (
    _no_grad_zero_ as _no_grad_zero_,
)
from .models import (
    presets,
)
from .models.doors import (
    deferred_init,
    init_model_,
    init_safetensors,
    patch_torch,
    recipe,
)
from .networks import (
    Dense,
    backward,
    cross_entropy,
    forward,
    mean_squared_error,
    mlp,
)
from .probing.evidence import (
    Evidence,
    Trial,
)
from .probing.layer import (
    Layer,
)
from .probing.probe import (
    probe,
)
from .probing.report import (
    Probe,
)
from .probing.rules import (
    Finding,
    Limit,
)
from .show.plots import (
    plot_activation,
)
from .show.tables import (
    Table,
)
from .statistics.describe import (
    describe,
)
from .statistics.result import (
    Fits,
    Stats,
    StatsTable,
)
from .theory import (
    Theory,
    critical,
    gain_table,
    theory,
)
from .version import (
    __version__,
)

__all__ = [
    "__version__", "Activation", "activation_gain", "activations", "backward", "bilinear_", "calculate_gain",
    "compute_fans", "constant", "constant_", "critical", "cross_entropy", "default_generator", "deferred_init",
    "delta_orthogonal_", "Dense", "describe", "dirac", "dirac_", "dsigmoid", "dtanh", "Evidence", "eye", "eye_",
    "Finding", "Fits", "forward", "gain_table", "Generator", "get_num_threads", "glorot_normal_", "glorot_uniform_",
    "he_normal_", "he_uniform_", "identity_", "init_model_", "init_safetensors", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "Layer", "lecun_normal_", "lecun_uniform_", "Limit", "lsuv_", "manual_seed",
    "mean_squared_error", "mlp", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "patch_torch",
    "plot_activation", "presets", "Probe", "probe", "recipe", "set_num_threads", "show_config", "sigmoid",
    "sigmoid_backward", "sparse", "sparse_", "Stats", "StatsTable", "Table", "tanh", "tanh_backward", "Theory",
    "theory", "Trial", "trunc_normal_", "truncated_std", "uniform", "uniform_", "variance_scaling_", "xavier_normal",
    "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
