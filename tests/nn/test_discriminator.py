"""Discriminator: what each head reads."""

import pytest
import torch

from modis.nn import BlockStyle, Discriminator

PLAIN = BlockStyle(norm=None)


def make(n_classes: int = 4, **kwargs) -> Discriminator:
    return Discriminator(5, 3, n_classes, [7, 6], PLAIN, **kwargs)


@pytest.mark.parametrize("n_batch", [1, 2])
def test_batch_head(n_batch):
    discriminator = make(n_batch=n_batch)
    if n_batch < 2:
        assert discriminator.batch_head is None
    else:
        hidden = discriminator(torch.randn(9, 5)).hidden
        assert discriminator.batch_head(hidden).shape == (9, n_batch)


def test_modality_head_reads_the_hidden_layer():
    discriminator, z = make(), torch.randn(9, 5)
    output, hidden, head = discriminator(z), z, discriminator.modality_head
    for layer in (discriminator.trunk[0], discriminator.trunk[2]):
        hidden = hidden @ layer.weight.T + layer.bias
        hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    assert output.hidden.shape == (9, 6)
    torch.testing.assert_close(output.hidden, hidden)
    torch.testing.assert_close(output.modality, hidden @ head.weight.T + head.bias)


@pytest.mark.parametrize("linear_class_head", [False, True])
def test_class_head_reads_what_it_should(linear_class_head):
    discriminator, z = make(linear_class_head=linear_class_head), torch.randn(9, 5)
    output = discriminator(z)
    head, source = discriminator.class_head, z if linear_class_head else output.hidden
    torch.testing.assert_close(output.classes, source @ head.weight.T + head.bias)
    assert torch.equal(discriminator.classify(z), output.classes)
    output.classes.sum().backward()
    reached = discriminator.trunk[0].weight.grad is not None
    assert reached is not linear_class_head


def test_no_classes_no_head():
    discriminator, z = make(0), torch.randn(9, 5)
    assert discriminator(z).classes is None
    assert not any("class" in name for name, _ in discriminator.named_parameters())
    with pytest.raises(RuntimeError, match="no class head"):
        discriminator.classify(z)
