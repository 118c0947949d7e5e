import numpy as np
import torch
from torch import nn

from modis.nn import Tensors


def test_what_is_loaded_replaces_what_is_there():
    """Whatever its shape, and beside other networks."""
    ours, theirs = (nn.ModuleDict({"own": Tensors(), "map": nn.Linear(2, 2)}) for _ in range(2))
    ours["own"]["a"], ours["own"]["b"] = np.ones((2, 3)), np.array(4)
    theirs["own"]["a"], theirs["own"]["c"] = torch.zeros(5), torch.zeros(1)
    theirs.load_state_dict(ours.state_dict())
    assert "c" not in theirs["own"]
    assert theirs.state_dict().keys() == ours.state_dict().keys()
    for name, value in ours.state_dict().items():
        assert torch.equal(theirs.state_dict()[name], value)
    assert {value.dtype for value in theirs["own"].buffers()} == {torch.float32}
    theirs["own"].clear()
    assert "a" not in theirs["own"]
    # and an empty one takes everything away
    ours.load_state_dict(theirs.state_dict())
    assert list(ours["own"].buffers()) == []
