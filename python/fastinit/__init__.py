"""Weight initialisation for NumPy arrays and torch tensors: every function of torch.nn.init, the same bits everywhere."""

from . import (
    config,
    fans,
    gains,
    generator,
    initializers,
    mean_field,
    networks,
    plots,
    probing,
    registry,
    statistics,
    tables,
)
from .config import *
from .fans import *
from .gains import *
from .generator import *
from .initializers import *
from .mean_field import *
from .networks import *
from .plots import *
from .probing import *
from .registry import *
from .statistics import *
from .tables import *
from .version import __version__

_PARTS = (
    config,
    fans,
    gains,
    generator,
    initializers,
    mean_field,
    networks,
    plots,
    probing,
    registry,
    statistics,
    tables,
)
__all__ = ["__version__", *(name for part in _PARTS for name in part.__all__)]
