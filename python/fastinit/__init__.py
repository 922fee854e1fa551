"""Weight initialisation for NumPy arrays and torch tensors: every function of torch.nn.init, the same bits everywhere."""

from . import config, fans, gains, generator, initializers
from .config import *
from .fans import *
from .gains import *
from .generator import *
from .initializers import *
from .version import __version__

__all__ = ["__version__", *config.__all__, *fans.__all__, *gains.__all__, *generator.__all__, *initializers.__all__]
