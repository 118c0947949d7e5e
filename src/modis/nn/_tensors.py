from typing import Any

import numpy as np
import torch
from torch import nn


class Tensors(nn.Module):
    """Tensors by name that move and are saved with the networks; those loaded replace all."""

    def __setitem__(self, name: str, value: np.ndarray | torch.Tensor) -> None:
        # in memory as a loaded one: the last digit of a product depends on it
        value = torch.as_tensor(value, dtype=torch.float32)
        self.register_buffer(name, value.clone(memory_format=torch.contiguous_format))

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._buffers[name]  # type: ignore[return-value]

    def array(self, name: str) -> np.ndarray:
        """Tensor as an array."""
        return self[name].cpu().numpy()

    def store(self, name: str, fields: Any) -> None:
        """Keep a named tuple of arrays."""
        for field, value in fields._asdict().items():
            self[f"{name}_{field}"] = value

    def named_tuple(self, kind: Any, name: str) -> Any:
        """Tuple of arrays, of this kind, that was kept under this name; `None` without."""
        names = [f"{name}_{field}" for field in kind._fields]
        return kind(*map(self.array, names)) if names[0] in self else None

    def __contains__(self, name: str) -> bool:
        return name in self._buffers

    def clear(self) -> None:
        """Forget all."""
        self._buffers.clear()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        self.clear()
        for key, value in state_dict.items():
            if key.startswith(prefix):
                self[key.removeprefix(prefix)] = value
