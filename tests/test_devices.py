"""A tensor on a device gets the values that it would have on the CPU, by buffers of any size."""

import math
import subprocess
import sys
from pathlib import Path

import fastinit
import numpy as np
import pytest
from fastinit import devices

CHECKS = Path(__file__).parent / "on_npy_device.py"


def test_a_device_in_a_process_of_its_own():
    """torch learns of a device for ever."""
    torch = pytest.importorskip("torch")
    if not hasattr(torch._C._acc, "create_empty_tensor"):
        pytest.skip("this torch has no devices in Python")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(CHECKS)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 12, 60, 1000])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4, 5), (2, 0, 3), (1, 60), (60, 1)])
def test_pieces_are_small_and_make_up_the_whole(shape, size):
    count = np.zeros(shape, int)
    for box in devices.pieces(shape, size):
        assert count[box].size <= max(size, 1)
        count[box] += 1
    assert (count == 1).all()
    if math.prod(shape) > size > 0:  # and not too small
        assert len(list(devices.pieces(shape, size))) <= 3 * math.prod(shape) / size + 1


def test_a_cuda_device(monkeypatch):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    monkeypatch.setattr(devices, "BUFFER", 1 << 16)  # several pinned buffers in flight
    tensor = fastinit.xavier_normal_(torch.empty(1000, 300, device="cuda"), generator=1)
    assert torch.equal(tensor.cpu(), fastinit.xavier_normal_(torch.empty(1000, 300), generator=1))
