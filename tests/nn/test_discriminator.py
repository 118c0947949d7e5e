import pytest
import torch
from torch.nn.functional import leaky_relu

from modis.nn import BlockStyle, Discriminator

SIZES = 5, 3, 4, [7, 6], BlockStyle(norm=None)


def test_modality_head_reads_the_hidden_layer():
    discriminator, z = Discriminator(*SIZES), torch.randn(9, 5)
    output, hidden, head = discriminator(z), z, discriminator.modality_head
    for layer in (discriminator.trunk[0], discriminator.trunk[2]):
        hidden = leaky_relu(layer(hidden), 0.2)
    assert output.hidden.shape == (9, 6)
    torch.testing.assert_close(output.hidden, hidden)
    torch.testing.assert_close(output.modality, hidden @ head.weight.T + head.bias)
    assert Discriminator(*SIZES, n_batch=1).batch_head is None


@pytest.mark.parametrize("linear_class_head", [False, True])
def test_class_head_reads_what_it_should(linear_class_head):
    discriminator = Discriminator(*SIZES, linear_class_head=linear_class_head)
    output = discriminator(z := torch.randn(9, 5))
    head, source = discriminator.class_head, z if linear_class_head else output.hidden
    torch.testing.assert_close(output.classes, source @ head.weight.T + head.bias)
    assert torch.equal(discriminator.classify(z), output.classes)
    output.classes.sum().backward()
    reached = discriminator.trunk[0].weight.grad is not None
    assert reached is not linear_class_head
