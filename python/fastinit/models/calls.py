"""torch's calls, by what they do to a tensor that waits. Whatever stands in no set here may read it.

Importing this module imports torch.
"""

import torch
from torch import Tensor

from .laws import Function


def _methods(names: str) -> set[Function]:
    """Tensor's methods of these names; a torch may lack one."""
    return {getattr(Tensor, name) for name in names.split() if hasattr(Tensor, name)}


def _properties(names: str, access: str = "__get__") -> set[Function]:
    return {getattr(getattr(Tensor, name), access) for name in names.split() if hasattr(Tensor, name)}


# give memory that nobody else has
FRESH = _methods("new_empty new_zeros new_ones new_full new_empty_strided") | {
    torch.empty, torch.empty_like, torch.empty_strided, torch.empty_permuted,
    torch.zeros, torch.ones, torch.full, torch.zeros_like, torch.ones_like, torch.full_like,
}  # fmt: skip
# of these, the ones that write one value everywhere: which, and what gives the memory alone
BLANK: dict[Function, tuple[float, Function]] = {
    torch.zeros: (0.0, torch.empty), torch.zeros_like: (0.0, torch.empty_like),
    torch.ones: (1.0, torch.empty), torch.ones_like: (1.0, torch.empty_like),
}  # fmt: skip

# show the memory to somebody whom no mode hears
EXPOSING = _methods(
    "numpy __array__ data_ptr untyped_storage storage _typed_storage share_memory_ __dlpack__ set_ resize_ "
    "__reduce_ex__ pin_memory"
) | _properties("__cuda_array_interface__")

# write without reading, each element alone
CONSTANTS = _methods("fill_ zero_")
ELEMENTWISE = _methods(
    "mul_ div_ add_ sub_ __imul__ __itruediv__ __iadd__ __isub__ clamp_ clamp_min_ clamp_max_ erfinv_ neg_ abs_ exp_ "
    "log_ sqrt_ square_ pow_"
)

# may give the very tensor back; the dtype to which they convert
CONVERSIONS: dict[Function, torch.dtype | None] = {
    Tensor.to: None, Tensor.cpu: None, Tensor.contiguous: None,
    Tensor.float: torch.float32, Tensor.double: torch.float64, Tensor.half: torch.float16,
    Tensor.bfloat16: torch.bfloat16,
}  # fmt: skip
CLONES: set[Function] = {Tensor.clone, torch.clone}

# neither read nor write an element
HARMLESS = (
    _properties(
        "shape dtype device layout requires_grad is_leaf grad grad_fn ndim is_meta is_cuda data T mT is_sparse "
        "is_quantized _base is_cpu is_nested itemsize nbytes _version output_nr retains_grad names is_mkldnn"
    )
    | _properties("requires_grad grad data", "__set__")
    | _methods(
        "size dim numel nelement ndimension stride storage_offset element_size is_contiguous requires_grad_ detach "
        "detach_ view_as t transpose permute unsqueeze squeeze expand narrow select unbind chunk split __len__ "
        "__hash__ is_floating_point is_complex diagonal is_signed register_hook get_device is_shared is_pinned "
        "is_inference _is_view is_conj is_neg new_empty new_zeros new_ones"
    )
    | {
        torch.is_floating_point, torch.is_complex, torch.numel, torch.empty_like, torch.zeros_like, torch.ones_like,
        torch.chunk, torch.split, torch.transpose, torch.t, torch.unsqueeze, Tensor.view,
    }
)  # fmt: skip
