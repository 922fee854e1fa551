"""Bottlenecks: tensors through which every path from the loss back to the input passes."""

from collections.abc import Sequence

from torch import Tensor
from torch.autograd.graph import Node, get_gradient_edge

_PRIME = 2**61 - 1  # path counts grow like 2^blocks; equal modulo a prime is equal, but for a chance of 2^-61


def node_of(tensor: Tensor) -> Node | None:
    """Where a tensor stands in the graph; None: outside."""
    return get_gradient_edge(tensor).node if tensor.requires_grad else None


def bottlenecks(loss: Tensor, sources: Sequence[Tensor], nodes: Sequence[Node | None]) -> list[bool]:
    """For each node whether it is one: paths down to it times paths up from it are all that there are."""
    root = node_of(loss)
    if root is None or not sources:
        return [False] * len(nodes)
    order = _from_the_loss(root)
    down = dict.fromkeys(order, 0)
    down[root] = 1
    for node in order:
        for below, _ in node.next_functions:
            if below is not None:
                down[below] = (down[below] + down[node]) % _PRIME
    ends = {end for source in sources if (end := node_of(source)) is not None and end in down}
    up = dict.fromkeys(order, 0)
    for node in reversed(order):
        paths = sum(up[below] for below, _ in node.next_functions if below is not None)
        up[node] = (paths + (node in ends)) % _PRIME
    return [node in down and up[root] > 0 and down[node] * up[node] % _PRIME == up[root] for node in nodes]


def _from_the_loss(root: Node) -> list[Node]:
    """Every node after all that lead to it."""
    order: list[Node] = []
    seen = {root}
    stack = [(root, iter(root.next_functions))]
    while stack:
        node, rest = stack[-1]
        for below, _ in rest:
            if below is not None and below not in seen:
                seen.add(below)
                stack.append((below, iter(below.next_functions)))
                break
        else:
            order.append(node)
            stack.pop()
    return order[::-1]
