# %% [markdown] lang="en"
# # 8. Probe your network
#
# First the pictures of the paper that began all this, then your own networks: one line that says what is wrong with an initialisation, where, and
# which line cures it. At the end every review question of the lesson is answered by a cell that computes the answer.
# %% [markdown] lang="vi"
# # 8. Soi mạng của bạn
#
# Trước hết là những hình trong bài báo khởi đầu mọi chuyện, sau đó là mạng của chính bạn: một dòng lệnh cho biết cách khởi tạo sai ở đâu, sai thế nào, và
# dòng lệnh nào chữa được. Cuối cùng, mỗi câu hỏi ôn tập của bài học được trả lời bằng một ô tính ra đáp án.
# %% [markdown] lang="en"
# ## Glorot and Bengio's pictures
#
# Glorot and Bengio call $U(-1/\sqrt n, 1/\sqrt n)$, which has $\operatorname{Var} w = \frac{1}{3n}$, the "standard" initialisation of their day. (LeCun et al. had advised $\frac1n$ in 1998: `lecun_normal_`.) Five tanh layers, filled so
# (above) and by Glorot's "normalised" one (below, `xavier_uniform_`): on the left the activations by layer, on the right the gradients. Above, they shrink
# towards one end; below, they stay alike. (The gradients by the *weights* are alike in both, which is why nobody had noticed.)
# %% [markdown] lang="vi"
# ## Những hình của Glorot và Bengio
#
# Glorot và Bengio gọi $U(-1/\sqrt n, 1/\sqrt n)$, có $\operatorname{Var} w = \frac{1}{3n}$, là cách khởi tạo "tiêu chuẩn" thời đó. (LeCun và cộng sự đã khuyên $\frac1n$ từ năm 1998: `lecun_normal_`.) Năm lớp tanh, được khởi tạo theo cách đó
# (trên) và theo cách "chuẩn hóa" của Glorot (dưới, `xavier_uniform_`): bên trái là giá trị kích hoạt theo từng lớp, bên phải là gradient. Ở trên, chúng co dần về một đầu; ở dưới, chúng
# gần như nhau. (Gradient theo *trọng số* thì giống nhau trong cả hai trường hợp, vì thế mà trước đó không ai nhận ra.)
# %% name="Glorot: histograms"
import functools
import math

import fastinit
import matplotlib.pyplot as plt
import numpy as np

n = 300
init_standard = functools.partial(fastinit.uniform_, a=-1 / math.sqrt(n), b=1 / math.sqrt(n))
networks = {
    "standard": fastinit.mlp([n] * 6 + [10], "tanh", init=init_standard, generator=0),
    "normalised": fastinit.mlp(
        [n] * 6 + [10], "tanh", init=fastinit.xavier_uniform_, generator=0
    ),
}
inputs = fastinit.normal_(np.empty((300, n), np.float32), generator=1)
found = {name: fastinit.probe(network, inputs, steps=0) for name, network in networks.items()}

figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained", sharex="col")
for row, (name, one) in zip(axes, found.items(), strict=True):
    for ax, part, title in zip(row, ("a", "dz"), ("activations", "dL/dz"), strict=True):
        fastinit.StatsTable(list(one.stats(part))[:5]).plot("ridge", ax)
        ax.set_title(f"{name}: {title}")
plt.show()

shrink = {}
for name, one in found.items():
    a, dz, dw = one.stats("a").std, one.stats("dz").rms, one.stats("dw").rms[:5]
    shrink[name] = signal, gradient = a[4] / a[0], dz[0] / dz[4]
    print(
        f"{name:10}  std of a, layer 5 / 1: {signal:.2f};  dL/dz, layer 1 / 5: {gradient:.2f};  "
        f"dL/dW, largest / smallest: {dw.max() / dw.min():.2f}"
    )
    assert dw.max() / dw.min() < 1.3
assert shrink["standard"][0] < 0.15 and shrink["standard"][1] < 0.15
assert shrink["normalised"][0] > 0.45 and shrink["normalised"][1] > 0.35


# %% [markdown] lang="en"
# ## Jacobians
#
# How much does one layer stretch what passes through? Take the matrix $\partial z^{[l+1]}/\partial z^{[l]} = W\operatorname{diag}(\tanh' z^{[l]})$ and the mean of its singular
# values. Glorot and Bengio print about 0.8 for the normalised initialisation and 0.5 for the standard one. Both can be derived: a square random matrix of $\operatorname{Var} w = 1/n$ has
# singular values of mean $8/3\pi = 0.849$; divide by $\sqrt3$ and it is 0.490. With small inputs, where $\tanh' \approx 1$, that is what is measured; with
# inputs of variance 1, $\tanh'$ takes some of it away.
# %% [markdown] lang="vi"
# ## Ma trận Jacobi
#
# Một lớp kéo giãn những gì đi qua nó bao nhiêu? Lấy ma trận $\partial z^{[l+1]}/\partial z^{[l]} = W\operatorname{diag}(\tanh' z^{[l]})$ và trung bình các giá trị kỳ dị (singular
# value) của nó. Glorot và Bengio in ra khoảng 0.8 cho cách chuẩn hóa và 0.5 cho cách tiêu chuẩn. Cả hai đều dẫn ra được: ma trận vuông ngẫu nhiên có $\operatorname{Var} w = 1/n$ có các
# giá trị kỳ dị với trung bình $8/3\pi = 0.849$; chia cho $\sqrt3$ được 0.490. Với đầu vào nhỏ, khi $\tanh' \approx 1$, đo được đúng như thế; với
# đầu vào có phương sai 1, $\tanh'$ lấy bớt đi một phần.
# %% name="Glorot: Jacobians"
def mean_singular_value(network, x):
    """Of the Jacobians from each tanh layer to the next, at the first four inputs."""
    zs, _ = fastinit.forward(network, x[:4])
    jacobians = [
        network[depth + 1].weight * fastinit.dtanh(zs[depth][i])
        for depth in range(4)
        for i in range(4)
    ]
    return np.linalg.svd(np.array(jacobians), compute_uv=False).mean()


for std, normalised, standard in ((1.0, 0.66, 0.45), (0.3, 0.80, 0.49), (0.1, 0.84, 0.49)):
    measured = {
        name: mean_singular_value(network, std * inputs) for name, network in networks.items()
    }
    print(
        f"inputs of std {std}: normalised {measured['normalised']:.2f}, "
        f"standard {measured['standard']:.2f}"
    )
    assert abs(measured["normalised"] - normalised) < 0.02
    assert abs(measured["standard"] - standard) < 0.02
assert f"{8 / (3 * math.pi):.3f}" == "0.849"
assert f"{8 / (3 * math.pi) / math.sqrt(3):.3f}" == "0.490"
# %% [markdown] lang="en"
# ## One line: probe
#
# A list of fastinit layers or any `torch.nn.Module`, and a batch. The probe asks what training asks: does a step tell inputs apart, does it not throw the
# answers far, is the function not rough? Then it tries twenty steps on your batch, and puts everything back as it was. Here real data, and
# a ReLU net of 30 layers that somebody filled by `normal_` with std 0.05, because "weights should be small".
# %% [markdown] lang="vi"
# ## Một dòng: probe
#
# Một danh sách các lớp fastinit hoặc bất kỳ `torch.nn.Module` nào, và một batch dữ liệu. Probe hỏi điều mà việc huấn luyện đòi hỏi: một bước có phân biệt được các đầu vào
# không, có ném đầu ra đi quá xa không, hàm có gồ ghề không? Rồi nó chạy thử hai mươi bước trên batch của bạn và trả mọi thứ về như cũ. Ở đây là dữ liệu thật,
# và một mạng ReLU 30 lớp được ai đó khởi tạo bằng `normal_` với std 0.05, vì "trọng số nên nhỏ".
# %% name="probe: NumPy"
from sklearn.datasets import load_digits

digits = load_digits()
pixels = fastinit.describe(digits.data)
images = ((digits.data[:300] - pixels.mean) / pixels.std).astype(np.float32)
labels = digits.target[:300]

small = functools.partial(fastinit.normal_, std=0.05)
network = fastinit.mlp([64] + [128] * 30 + [10], "relu", init=small, generator=0)
before = fastinit.probe(network, images, labels)
assert (
    before.findings[0].kind == "tells nothing apart"
    and "relu needs 2" in before.findings[0].cause
)

root = fastinit.Generator(0)
for (
    layer
) in network:  # n Var w = 2, as ReLU needs; lsuv_, which it advises, finds that from the data
    fastinit.kaiming_normal_(
        layer.weight, nonlinearity="relu", generator=root.fold_in(layer.name)
    )
after = fastinit.probe(network, images, labels)
assert after.ok
print(before.compare(after, names=["small", "He"]))
before
# %% [markdown] lang="en"
# The same for torch, if it is installed. torch fills `Linear` with $\operatorname{Var} w = \frac{1}{3n}$ unless told otherwise. In six layers that is no fault; in thirty it is.
# %% [markdown] lang="vi"
# Với torch cũng vậy, nếu máy có cài. Mặc định torch khởi tạo `Linear` với $\operatorname{Var} w = \frac{1}{3n}$. Với sáu lớp thì không sao; với ba mươi lớp thì có lỗi.
# %% name="probe: torch"
try:
    import torch
except ImportError:
    print("torch is not installed; the NumPy network above is judged in the same way")
else:

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            sizes = [64] + [128] * 30 + [10]
            self.layers = torch.nn.ModuleList(
                [torch.nn.Linear(m, n) for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
            )

        def forward(self, x):
            for layer in self.layers[:-1]:
                # functional: no module to hang a hook on, and still seen
                x = torch.relu(layer(x))
            return self.layers[-1](x)

    torch.manual_seed(0)
    model = Classifier()
    default = fastinit.probe(model, torch.from_numpy(images), steps=0)
    print(default.verdict)
    print(default.findings[0].cause)
    assert default.findings[0].kind == "tells nothing apart"
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            fastinit.kaiming_normal_(
                parameter, nonlinearity="relu", generator=root.fold_in(name)
            )
        else:
            fastinit.zeros_(parameter)
    repaired = fastinit.probe(model, torch.from_numpy(images), steps=0)
    print(repaired.verdict)
    assert repaired.ok
# %% [markdown] lang="en"
# ## LSUV: let the data decide
#
# All rules so far assume something about the inputs and the activation. Mishkin and Matas (2016) assume nothing: fill each layer with an orthogonal matrix, then go
# through the layers and scale each until its $z$ has variance 1 on a batch of your data.
# %% [markdown] lang="vi"
# ## LSUV: để dữ liệu quyết định
#
# Mọi quy tắc đến giờ đều giả định điều gì đó về đầu vào và hàm kích hoạt. Mishkin và Matas (2016) không giả định gì: khởi tạo mỗi lớp bằng một ma trận trực giao, rồi đi
# qua từng lớp và nhân nó với một số cho đến khi $z$ có phương sai 1 trên một batch dữ liệu của bạn.
# %% name="LSUV"
network = fastinit.mlp([64] + [128] * 6 + [10], "gelu", generator=0)
report = fastinit.lsuv_(network, images, generator=0)
assert all(abs(variance - 1) <= 0.1 for variance in report.column("Var z after"))
assert max(abs(variance - 1) for variance in report.column("Var z before")) > 0.3
report


# %% [markdown] lang="en"
# ## Try it
#
# Three networks as the probe draws them: fading, alive and exploding. Then your own: activation, $n \operatorname{Var} w$ and depth; three views of the picture, and under it the
# whole report.
# %% [markdown] lang="vi"
# ## Hãy thử
#
# Ba mạng do probe vẽ: tắt dần, sống và bùng nổ. Sau đó là mạng của bạn: hàm kích hoạt, $n \operatorname{Var} w$ và độ sâu; ba góc nhìn của hình vẽ, và bên dưới là
# toàn bộ báo cáo.
# %% name="figure"
def network_of(activation, scale, depth):
    init = functools.partial(
        fastinit.variance_scaling_, scale=scale, mode="fan_in", distribution="normal"
    )
    return fastinit.mlp([64] * (depth + 1) + [10], activation, init=init, generator=0)


for scale, expected in ((0.1, "apart"), (2.0, "no fault found"), (20.0, "too far")):
    probed = fastinit.probe(network_of("relu", scale, 12), images[:100], steps=0)
    probed.plot()
    plt.suptitle(f"ReLU, n Var w = {scale}: {probed.verdict}")
    plt.show()
    assert expected in probed.verdict
# %% name="control" tags=["remove-output"]
try:
    from IPython.display import display
    from ipywidgets import Dropdown, FloatSlider, IntSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(activation, scale, depth, view):
        probed = fastinit.probe(network_of(activation, scale, depth), images[:100], steps=0)
        ax = probed.plot(view, plt.figure(figsize=(5, 3)).add_subplot())
        ax.set_title(probed.verdict)
        if view != "ridge":
            ax.yaxis.set_major_formatter("{x:g}")
        plt.show()
        display(probed)

    interact(
        redraw,
        activation=Dropdown(options=["relu", "tanh", "sigmoid", "gelu"]),
        scale=FloatSlider(1.0, min=0.1, max=16, step=0.1),
        depth=IntSlider(8, min=2, max=20),
        view=Dropdown(options=["std", "grad", "ridge"]),
    )


# %% [markdown] lang="en"
# ## Exercise: three broken networks
#
# `broken(1)`, `broken(2)` and `broken(3)` each have something wrong. Look at `fastinit.probe(broken(1), images)`, then fill the weights and biases anew so that the probe
# finds nothing bad. `network` is a list of layers with `weight`, `bias`, `activation` and `name`.
# %% [markdown] lang="vi"
# ## Bài tập: ba mạng hỏng
#
# `broken(1)`, `broken(2)` và `broken(3)` đều có gì đó không ổn. Hãy xem `fastinit.probe(broken(1), images)`, rồi khởi tạo lại trọng số và bias để probe không còn thấy lỗi
# nặng nào. `network` là danh sách các lớp, mỗi lớp có `weight`, `bias`, `activation` và `name`.
# %% name="three broken networks"
def broken(number):
    """A fresh copy of broken network 1, 2 or 3."""
    if number == 1:
        return fastinit.mlp(
            [64] + [128] * 12 + [10],
            "relu",
            init=functools.partial(fastinit.normal_, std=0.02),
            generator=0,
        )
    if number == 2:
        return fastinit.mlp(
            [64] + [128] * 12 + [10],
            "tanh",
            init=functools.partial(fastinit.normal_, std=1.0),
            generator=0,
        )
    network = fastinit.mlp(
        [64] + [64] * 4 + [10], "relu", init=lambda w: fastinit.kaiming_normal_(w, generator=0)
    )
    fastinit.constant_(network[2].bias, -9.0)
    return network


for number in (1, 2, 3):
    found = fastinit.probe(broken(number), images, steps=0)
    print(number, found.verdict)
    assert not found.ok


# %% tags=["exercise"]
def repair(number, network):
    """Fill weights and biases of broken network 1, 2 or 3 anew, in place."""
    ...


# %% tags=["solution"]
def repair(number, network):
    """Fill weights and biases of broken network 1, 2 or 3 anew, in place."""
    root = fastinit.Generator(number)
    for layer in network:
        if layer.activation == "tanh":
            fastinit.variance_scaling_(
                layer.weight, 1, "fan_in", "normal", generator=root.fold_in(layer.name)
            )
        else:
            fastinit.kaiming_normal_(
                layer.weight, nonlinearity="relu", generator=root.fold_in(layer.name)
            )
        fastinit.zeros_(layer.bias)


# %% tags=["wrong"]
def repair(number, network):
    """He's weights, but the biases stay as they are."""
    root = fastinit.Generator(number)
    for layer in network:
        fastinit.kaiming_normal_(layer.weight, generator=root.fold_in(layer.name))


# %% tags=["wrong"]
def repair(number, network):
    """Small weights everywhere."""
    root = fastinit.Generator(number)
    for layer in network:
        fastinit.normal_(layer.weight, std=0.02, generator=root.fold_in(layer.name))
        fastinit.zeros_(layer.bias)


# %% name="words" lang="en"
hints = {
    "still": "Hint: network {} still has a fault.\n{}",
    "right": "Right: the probe finds nothing bad in any of the three.",
}
# %% name="words" lang="vi"
hints = {
    "still": "Gợi ý: mạng {} vẫn còn lỗi.\n{}",
    "right": "Đúng: probe không thấy lỗi nặng nào trong cả ba mạng.",
}


# %% name="check"
def check(repair):
    """The hint that is needed, or None when the answer is right."""
    for number in (1, 2, 3):
        network = broken(number)
        repair(number, network)
        found = fastinit.probe(network, images, steps=0)
        if not found.ok:
            return hints["still"].format(number, found.findings[0])
    return None


hint = check(repair)
print(hint or hints["right"])
# %% [markdown] lang="en"
# ## Review questions
#
# Each is answered in words and by a cell that computes the answer.
#
# **1. Why not initialise with a fixed number, 0 or negative?** Equal units get equal gradients and stay equal; zeros and, with ReLU, negative numbers give gradient 0. (Notebook 1)
# %% [markdown] lang="vi"
# ## Câu hỏi ôn tập
#
# Mỗi câu được trả lời bằng lời và bằng một ô tính ra đáp án.
#
# **1. Vì sao không thể khởi tạo bằng một số cố định, 0 hay số âm?** Các nơ-ron bằng nhau nhận gradient bằng nhau và mãi bằng nhau; số 0 và, với ReLU, số âm cho gradient 0. (Notebook 1)
# %% name="5 review 01: fixed numbers"
kinds = {}
for value in (0.0, 0.1, -0.1):
    network = fastinit.mlp(
        [64, 8, 8, 10], "relu", init=functools.partial(fastinit.constant_, val=value)
    )
    probed = fastinit.probe(network, np.abs(images), labels, steps=3)
    kinds[value] = {finding.kind for finding in probed.findings}
    print(value, sorted(kinds[value]))
assert "symmetric" in kinds[0.1]
assert {"tells nothing apart", "closed"} <= kinds[0.0] and {
    "tells nothing apart",
    "closed",
} <= kinds[-0.1]
# %% [markdown] lang="en"
# **2. How do Xavier and He differ?** In the activation that each assumes, and so by a factor of 2 in the variance: 1/n for a tanh near 0, 2/n because ReLU halves the mean square. (Notebooks 6 and 7)
# %% [markdown] lang="vi"
# **2. Xavier và He khác nhau ở điểm nào?** Ở hàm kích hoạt mà mỗi cách giả định, và do đó ở hệ số 2 trong phương sai: 1/n cho tanh gần 0, 2/n vì ReLU chia đôi trung bình bình phương. (Notebook 6 và 7)
# %% name="5 review 02: Xavier and He"
needed = {name: fastinit.critical(name)[0] for name in ("tanh", "relu")}
print("n Var w that keeps signals and gradients:", needed)
assert needed == {"tanh": 1.0, "relu": 2.0}
# %% [markdown] lang="en"
# **3. Why do gradients vanish with sigmoid when z is very large or very small?** The slope $\sigma(z)(1 - \sigma(z))$ is a factor of the gradient, and falls like $e^{-|z|}$. (Notebook 2)
# %% [markdown] lang="vi"
# **3. Vì sao gradient tiêu biến với sigmoid khi z rất lớn hoặc rất nhỏ?** Độ dốc $\sigma(z)(1 - \sigma(z))$ là một thừa số của gradient, và giảm như $e^{-|z|}$. (Notebook 2)
# %% name="5 review 03: sigmoid's tails"
z = np.array([-20.0, -8.0, -4.0, 0.0, 4.0, 8.0, 20.0])
print(*(f"{slope:.2g}" for slope in fastinit.dsigmoid(z)))
assert np.allclose(fastinit.dsigmoid(z[[0, -1]]), np.exp(-20), rtol=1e-8)
assert fastinit.dsigmoid(4.0) < 0.08 * 0.25
# %% [markdown] lang="en"
# **4. What is the gradient of sigmoid at z = 14.15, and what does it mean?** 7.157e-7 (the source prints 7.08e-7, which belongs to $z = 14.1597$): what lies before such a unit learns 350 000 times more slowly than at $z = 0$. (Notebook 2)
# %% [markdown] lang="vi"
# **4. Gradient của sigmoid tại z = 14.15 là bao nhiêu và có ý nghĩa gì?** 7.157e-7 (bài giảng gốc in 7.08e-7, vốn thuộc về $z = 14.1597$): những gì nằm trước nơ-ron ấy học chậm hơn 350 000 lần so với tại $z = 0$. (Notebook 2)
# %% name="5 review 04: z = 14.15"
print(f"{fastinit.dsigmoid(14.15):.3e}; sigmoid(14.15) = {fastinit.sigmoid(14.15):.10f}")
assert f"{fastinit.dsigmoid(14.15):.3e}" == "7.157e-07"
assert f"{fastinit.sigmoid(14.15):.10f}" == "0.9999992843"
assert 3.4e5 < fastinit.dsigmoid(0.0) / fastinit.dsigmoid(14.15) < 3.6e5
# %% [markdown] lang="en"
# **5. Why does the gradient shrink from layer to layer in a deep network?** It is a product with one factor for each layer; if the factors are below 1 it shrinks geometrically. (Notebook 2)
# %% [markdown] lang="vi"
# **5. Vì sao gradient giảm qua từng lớp trong mạng sâu?** Nó là một tích với mỗi lớp một thừa số; nếu các thừa số nhỏ hơn 1 thì nó giảm theo cấp số nhân. (Notebook 2)
# %% name="5 review 05: a product"
theory = fastinit.theory("sigmoid", 1.0, depth=10)
shrunk = np.cumprod(np.sqrt(theory.chi))
print("rms of the gradient after each layer:", *(f"{g:.1e}" for g in shrunk))
assert (np.diff(shrunk) < 0).all() and (np.sqrt(theory.chi) < 0.25).all()
# %% [markdown] lang="en"
# **6. What is the largest derivative of sigmoid, and where?** 0.25, at z = 0. (Notebook 2)
# %% [markdown] lang="vi"
# **6. Đạo hàm lớn nhất của sigmoid là bao nhiêu, tại đâu?** 0.25, tại z = 0. (Notebook 2)
# %% name="5 review 06: largest slope"
z = np.linspace(-8, 8, 16_001)
print(fastinit.dsigmoid(z).max(), "at z =", round(z[np.argmax(fastinit.dsigmoid(z))], 6) + 0)
assert fastinit.dsigmoid(z).max() == 0.25 == fastinit.dsigmoid(0.0)
assert abs(z[np.argmax(fastinit.dsigmoid(z))]) < 1e-9
# %% [markdown] lang="en"
# **7. Why do the parameters of the five-layer chain hardly change?** Its first gradient is -0.0002, so at rate 0.01 the step is 0.000002: 0.919 becomes 0.919002. (The source says that it falls; it rises, for the gradient is negative.) (Notebook 2)
# %% [markdown] lang="vi"
# **7. Vì sao tham số của chuỗi năm lớp hầu như không thay đổi?** Gradient đầu tiên là -0.0002, nên với tốc độ 0.01 bước đi chỉ là 0.000002: 0.919 thành 0.919002. (Bài giảng gốc nói nó giảm; thật ra nó tăng, vì gradient âm.) (Notebook 2)
# %% name="5 review 07: five layers"
chain = [fastinit.Dense(np.full((1, 1), 0.919), activation="sigmoid") for _ in range(5)]
x = np.full((1, 1), 0.5)
zs, outputs = fastinit.forward(chain, x)
_, grad = fastinit.mean_squared_error(outputs[-1], np.ones((1, 1)))
slope = fastinit.backward(chain, x, zs, outputs, grad)[0][1].item()
print(
    f"0.919 - 0.01 x ({slope:.4f}) = {0.919 - 0.01 * slope:.6f}; the step is {-0.01 * slope:.6f}"
)
assert (f"{slope:.4f}", f"{0.919 - 0.01 * slope:.6f}", f"{-0.01 * slope:.6f}") == (
    "-0.0002",
    "0.919002",
    "0.000002",
)
# %% [markdown] lang="en"
# **8. When do gradients explode, and what does it do to training?** When the weights are so large that each layer multiplies the gradient by more than 1 (a large learning rate makes the steps longer still); then steps are too long from the start. (Notebook 3)
# %% [markdown] lang="vi"
# **8. Khi nào gradient bùng nổ và việc huấn luyện bị ảnh hưởng ra sao?** Khi trọng số lớn đến mức mỗi lớp nhân gradient với một số lớn hơn 1 (tốc độ học lớn còn kéo dài bước đi thêm nữa); khi đó bước đi quá dài ngay từ đầu. (Notebook 3)
# %% name="5 review 08: exploding"
exploding = fastinit.mlp(
    [64] + [64] * 8 + [10],
    "relu",
    init=functools.partial(fastinit.normal_, std=0.5),
    generator=0,
)
probed = fastinit.probe(exploding, images, labels, steps=0)
dz, step = probed.stats("dz").rms, 0.1 * probed.stats("dw").rms / probed.stats("weight").rms
print(
    f"dL/dz, first / last hidden layer: {dz[0] / dz[-2]:.0f}; "
    f"a step at rate 0.1 changes the weights by {step.min():.0f} times their size"
)
assert (dz[:-2] > dz[1:-1]).all() and step.min() > 10
# %% [markdown] lang="en"
# **9. Why does that keep the model from converging?** A step longer than twice the distance to the minimum lands further away than it began. (Notebook 3)
# %% [markdown] lang="vi"
# **9. Vì sao điều đó làm mô hình không hội tụ?** Bước đi dài hơn hai lần khoảng cách tới điểm cực tiểu thì đáp xuống xa hơn chỗ xuất phát. (Notebook 3)
# %% name="5 review 09: no convergence"
for rate in (0.4, 0.9, 1.1):
    w = [1.0]
    for _ in range(20):
        w.append(w[-1] - rate * 2 * w[-1])  # the loss is w^2, its gradient 2 w
    print(f"rate {rate}: loss {w[0] ** 2:g} -> {w[-1] ** 2:.2g}")
    assert (abs(w[-1]) < abs(w[0])) == (rate < 1)
# %% [markdown] lang="en"
# **10. How is E(X) of a discrete variable computed?** $\mathbb{E}X = \sum_i x_i P(x_i)$. (Notebook 4)
# %% [markdown] lang="vi"
# **10. E(X) của biến rời rạc được tính thế nào?** $\mathbb{E}X = \sum_i x_i P(x_i)$. (Notebook 4)
# %% name="5 review 10: discrete mean"
km, p = np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.4, 0.3])
print("E X =", np.sum(km * p), "km")
assert np.isclose(np.sum(km * p), 2.0)
# %% [markdown] lang="en"
# **11. What is the mean of a product of independent X and Y?** $\mathbb{E}(XY) = \mathbb{E}X\,\mathbb{E}Y$. (Notebook 4)
# %% [markdown] lang="vi"
# **11. Kỳ vọng của tích hai biến độc lập X và Y là gì?** $\mathbb{E}(XY) = \mathbb{E}X\,\mathbb{E}Y$. (Notebook 4)
# %% name="5 review 11: mean of a product"
x = fastinit.normal_(np.empty(1_000_000), 1.5, 1.0, generator=1)
y = fastinit.uniform_(np.empty(1_000_000), 0.0, 4.0, generator=2)
print(f"E(XY) = {fastinit.describe(x * y).mean:.3f}, E X E Y = {1.5 * 2:.3f}")
assert abs(fastinit.describe(x * y).mean - 3.0) < 0.02
# %% [markdown] lang="en"
# **12. How does E(X) differ between discrete and continuous variables?** A sum over values becomes an integral over a density. (Notebook 4)
# %% [markdown] lang="vi"
# **12. E(X) của biến rời rạc và biến liên tục khác nhau thế nào?** Tổng theo các giá trị trở thành tích phân theo mật độ. (Notebook 4)
# %% name="5 review 12: sum and integral"
die = np.sum(np.arange(1, 7) * (1 / 6))
middles = (np.arange(6000) + 0.5) / 100  # the waiting time, 0 to 60 minutes, in steps of 0.01
bus = np.sum(middles * (1 / 60)) * 0.01
print(f"die: {die:g}; bus: {bus:g} minutes")
assert np.isclose(die, 3.5) and np.isclose(bus, 30)
# %% [markdown] lang="en"
# **13. How can the variance be rewritten?** $\operatorname{Var}X = \mathbb{E}X^2 - (\mathbb{E}X)^2$. (Notebook 4. For computing it is dangerous in few digits: `describe` never uses it.)
# %% [markdown] lang="vi"
# **13. Phương sai có thể viết lại thế nào?** $\operatorname{Var}X = \mathbb{E}X^2 - (\mathbb{E}X)^2$. (Notebook 4. Khi tính với ít chữ số, công thức này nguy hiểm: `describe` không bao giờ dùng nó.)
# %% name="5 review 13: variance"
print(f"{np.sum(km**2 * p) - np.sum(km * p) ** 2:.2f} = {np.sum((km - 2) ** 2 * p):.2f}")
assert np.isclose(
    np.sum(km**2 * p) - np.sum(km * p) ** 2, np.sum((km - 2) ** 2 * p)
) and np.isclose(np.sum((km - 2) ** 2 * p), 0.6)
large = fastinit.normal_(np.empty(100_000, np.float32), 1e4, 1.0, generator=3)
rewritten = np.mean(large**2) - np.mean(large) ** 2
print(
    f"mean 1e4, std 1, in float32: rewritten {rewritten:g}, describe {fastinit.describe(large).var:.3f}"
)
assert abs(rewritten - 1) > 0.5 and abs(fastinit.describe(large).var - 1) < 0.02
# %% [markdown] lang="en"
# **14. What is the variance of a product of independent X and Y?** $\operatorname{Var}X\operatorname{Var}Y + \operatorname{Var}X(\mathbb{E}Y)^2 + \operatorname{Var}Y(\mathbb{E}X)^2$. (Notebook 4)
# %% [markdown] lang="vi"
# **14. Phương sai của tích hai biến độc lập X và Y là gì?** $\operatorname{Var}X\operatorname{Var}Y + \operatorname{Var}X(\mathbb{E}Y)^2 + \operatorname{Var}Y(\mathbb{E}X)^2$. (Notebook 4)
# %% name="5 review 14: variance of a product"
rule = 1.0 * 16 / 12 + 1.0 * 2**2 + 16 / 12 * 1.5**2
print(f"drawn {fastinit.describe(x * y).var:.3f}, rule {rule:.3f}")
assert abs(fastinit.describe(x * y).var / rule - 1) < 0.01
# %% [markdown] lang="en"
# **15. What is a uniform distribution and what does its graph look like?** All values between a and b are equally likely: a rectangle of height 1/(b - a) and area 1. (Notebook 4)
# %% [markdown] lang="vi"
# **15. Phân phối đều là gì và đồ thị của nó có dạng nào?** Mọi giá trị giữa a và b có khả năng như nhau: một hình chữ nhật cao 1/(b - a), diện tích 1. (Notebook 4)
# %% name="5 review 15: uniform"
drawn = fastinit.uniform_(np.empty(1_000_000, np.float32), 2.0, 6.0, generator=4)
heights, edges = np.histogram(drawn, 20, (2.0, 6.0), density=True)
print(f"heights {heights.min():.3f} to {heights.max():.3f}, 1 / (b - a) = {1 / (6 - 2)}")
assert np.allclose(heights, 0.25, rtol=0.03) and np.isclose(np.sum(heights * np.diff(edges)), 1)
# %% [markdown] lang="en"
# **16. A bus leaves every hour. How likely is a wait between $a'$ and $b'$ minutes?** $(b' - a')/60$; for 5 to 20 minutes 0.25, for any single minute 1/60. (Notebook 4)
# %% [markdown] lang="vi"
# **16. Mỗi giờ có một chuyến xe buýt. Xác suất chờ từ $a'$ đến $b'$ phút là bao nhiêu?** $(b' - a')/60$; từ 5 đến 20 phút là 0.25, một phút bất kỳ là 1/60. (Notebook 4)
# %% name="5 review 16: the bus"
wait = fastinit.uniform_(np.empty(1_000_000, np.float32), 0.0, 60.0, generator=5)
for low, high in ((5, 20), (30, 31)):
    print(
        f"{low} to {high} minutes: {(high - low) / 60:.4f}, drawn {np.mean((wait > low) & (wait < high)):.4f}"
    )
    assert abs(np.mean((wait > low) & (wait < high)) - (high - low) / 60) < 0.002
# %% [markdown] lang="en"
# **17. What is the variance of U(a, b)?** $(b - a)^2/12$. (Notebook 4)
# %% [markdown] lang="vi"
# **17. Phương sai của U(a, b) là gì?** $(b - a)^2/12$. (Notebook 4)
# %% name="5 review 17: variance of a uniform"
print(f"U(0, 60): {60**2 / 12:g}, drawn {fastinit.describe(wait).var:.1f}")
assert abs(fastinit.describe(wait).var / (60**2 / 12) - 1) < 0.005
# %% [markdown] lang="en"
# **18. What is the Maclaurin series?** The Taylor series at 0: $f(x) = \sum_k \frac{f^{(k)}(0)}{k!} x^k$. (Notebook 5)
# %% [markdown] lang="vi"
# **18. Khai triển Maclaurin là gì?** Chuỗi Taylor tại 0: $f(x) = \sum_k \frac{f^{(k)}(0)}{k!} x^k$. (Notebook 5)
# %% name="5 review 18: Maclaurin"
x = 0.5
total = sum(x**k / math.factorial(k) for k in range(15))  # every derivative of exp is 1 at 0
print(f"{total:.12f} = exp(0.5)")
assert abs(total - math.exp(0.5)) < 1e-12
# %% [markdown] lang="en"
# **19. Why is it used?** A polynomial of low degree is easy to work with: here it turns tanh into $z$ and sigmoid into $\frac12 + \frac z4$, whose variances are known. (Notebook 5)
# %% [markdown] lang="vi"
# **19. Vì sao người ta dùng nó?** Đa thức bậc thấp thì dễ tính: ở đây nó biến tanh thành $z$ và sigmoid thành $\frac12 + \frac z4$, những thứ có phương sai đã biết. (Notebook 5)
# %% name="5 review 19: what it is for"
small = fastinit.normal_(np.empty(1_000_000), std=0.1, generator=6)
variance = fastinit.describe(small).var
through = [
    fastinit.describe(f(small)).var / variance for f in (fastinit.tanh, fastinit.sigmoid)
]
print(
    f"Var f(z) / Var z: tanh {through[0]:.3f} (1), sigmoid {through[1]:.4f} (1/16 = {1 / 16:.4f})"
)
assert abs(through[0] - 1) < 0.03 and abs(through[1] * 16 - 1) < 0.01


# %% [markdown] lang="en"
# **20. Which range does Xavier give for tanh?** $\pm\sqrt{3/n}$, or $\mathcal N(0, 1/n)$: `variance_scaling_(w, 1, "fan_in", ...)`. (Notebook 6)
# %% [markdown] lang="vi"
# **20. Với tanh, Xavier cho khoảng nào?** $\pm\sqrt{3/n}$, hoặc $\mathcal N(0, 1/n)$: `variance_scaling_(w, 1, "fan_in", ...)`. (Notebook 6)
# %% name="5 review 20: tanh's range"
def ranges(scale, n=400):
    """The end of the uniform range and the standard deviation of the normal, as filled."""
    weight = np.empty((300, n))
    end = fastinit.describe(
        fastinit.variance_scaling_(weight, scale, "fan_in", "uniform", generator=0)
    ).absmax
    return end, fastinit.describe(
        fastinit.variance_scaling_(weight, scale, "fan_in", "normal", generator=0)
    ).std


for n in (100, 400):
    end, std = ranges(1, n)
    print(f"n = {n}: U(-{end:.4f}, {end:.4f}), N(0, {std:.4f}^2)")
    assert np.isclose(end, math.sqrt(3 / n), rtol=1e-3) and np.isclose(
        std, math.sqrt(1 / n), rtol=0.02
    )
# %% [markdown] lang="en"
# **21. And for sigmoid?** $\pm4\sqrt{3/n}$, or $\mathcal N(0, 16/n)$: scale 16. (Notebook 6, and why it holds for a few layers only)
# %% [markdown] lang="vi"
# **21. Còn với sigmoid?** $\pm4\sqrt{3/n}$, hoặc $\mathcal N(0, 16/n)$: scale bằng 16. (Notebook 6, và vì sao nó chỉ dùng được cho vài lớp)
# %% name="5 review 21: sigmoid's range"
for n in (100, 400):
    end, std = ranges(16, n)
    print(f"n = {n}: U(-{end:.4f}, {end:.4f}), N(0, {std:.4f}^2)")
    assert np.isclose(end, 4 * math.sqrt(3 / n), rtol=1e-3) and np.isclose(
        std, math.sqrt(16 / n), rtol=0.02
    )
# %% [markdown] lang="en"
# **22. Which range does He give for ReLU?** $\pm\sqrt{6/n}$, or $\mathcal N(0, 2/n)$: `kaiming_uniform_` and `kaiming_normal_`. (Notebook 7)
# %% [markdown] lang="vi"
# **22. Với ReLU, He cho khoảng nào?** $\pm\sqrt{6/n}$, hoặc $\mathcal N(0, 2/n)$: `kaiming_uniform_` và `kaiming_normal_`. (Notebook 7)
# %% name="5 review 22: ReLU's range"
weight = np.empty((300, 400))
end = fastinit.describe(
    fastinit.kaiming_uniform_(weight, nonlinearity="relu", generator=0)
).absmax
std = fastinit.describe(fastinit.kaiming_normal_(weight, nonlinearity="relu", generator=0)).std
print(f"n = 400: U(-{end:.4f}, {end:.4f}), N(0, {std:.4f}^2)")
assert np.isclose(end, math.sqrt(6 / 400), rtol=1e-3) and np.isclose(
    std, math.sqrt(2 / 400), rtol=0.02
)
