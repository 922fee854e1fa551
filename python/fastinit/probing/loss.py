"""Which loss is meant: decided once, for arrays and tensors alike."""

LOSSES = ("mse", "cross_entropy")


def kind_of(loss: object, given: bool, labels: bool) -> str:
    """What kind of loss is meant. given: whether there is a target; labels: whether it holds integers."""
    if callable(loss):
        return "own"
    if loss is None:
        return ("cross_entropy" if labels else "mse") if given else "random"
    if loss == "random":
        return "random"
    if loss not in LOSSES:
        raise ValueError(f"loss={loss!r} is unknown; give 'mse', 'cross_entropy' or a callable that returns the loss")
    if not given:
        raise ValueError(f"loss={loss!r} needs target=")
    return str(loss)
