"""The line of code that cures a finding, in the order in which cures were measured (docs/judge.md)."""

from .evidence import Evidence
from .layer import Network
from .rules import Say


def cure(kind: str, e: Evidence, network: Network, say: Say) -> str:
    """What to run; then probe again and compare."""
    if kind == "not finite":
        return say("look for NaN in x; else ", "tìm NaN trong x; nếu không có: ") + _scaled(network, say)
    if kind in ("symmetric", "repeated"):
        line = say("then fill each weight with its own", "rồi khởi tạo mỗi trọng số bằng")
        return f'root = fastinit.Generator(0)  # {line} generator=root.fold_in("name")'
    if kind == "closed" or (kind == "tells nothing apart" and network.gains.intersection(e.zeros)):
        return "fastinit.ones_(gain)  # " + say("of each norm; draw weights of 0 anew", "của mỗi lớp chuẩn hóa")
    if kind == "confident":
        return f"fastinit.zeros_({network.layers[-1].name if network.layers else 'head'}.weight)"
    if kind == "does not reach back":
        return _remembers(network, say)
    return _scaled(network, say)


def _remembers(network: Network, say: Say) -> str:
    if network.gated:
        which = say("of the forget (update) gate", "của cổng quên (cập nhật)")
        return f"fastinit.constant_(bias, math.log(steps - 1))  # {which}: Tallec and Ollivier (2018)"
    when = say("if the answer needs the first steps", "nếu câu trả lời cần những bước đầu")
    return f"fastinit.eye_(weight_hh); fastinit.normal_(weight_ih, std=inputs**-0.5)  # {when}"


def _scaled(network: Network, say: Say) -> str:
    if network.attention:
        every = say("every matrix and embedding; gains 1, biases 0", "mọi ma trận và embedding; gain 1, bias 0")
        return f"fastinit.normal_(weight, std=0.02)  # {every}"
    if network.recurrent:
        return "fastinit.orthogonal_(weight_hh)  # " + say("each gate's matrix for itself", "riêng cho mỗi cổng")
    if network.chain:
        return "fastinit.lsuv_(model, x)  # " + say("biases 0 first", "đặt bias bằng 0 trước")
    return "fastinit.zeros_(weight)  # " + say("the last of each residual branch", "cuối cùng của mỗi nhánh phần dư")
