# %% [markdown] lang="en"
# # 6. Xavier
#
# Now the variance of the weights can be derived. Two rules for a deep network that is to learn:
#
# 1. $\operatorname{Var} a^{[l]} = \operatorname{Var} a^{[l-1]}$: the variance is the same in every layer. This is what keeps the signal from fading or growing.
# 2. $\mathbb{E}\,a^{[l]} = 0$: the outputs are centred. This is what removes the term $(\mathbb{E}x)^2$ from the variance of a product.
#
# (The text that this lesson follows gives each rule the other one's reason.)
# %% [markdown] lang="vi"
# # 6. Xavier
#
# Giờ ta có thể dẫn ra phương sai của trọng số. Hai quy tắc cho một mạng sâu muốn học được:
#
# 1. $\operatorname{Var} a^{[l]} = \operatorname{Var} a^{[l-1]}$: phương sai như nhau ở mọi lớp. Điều này giữ cho tín hiệu không tắt dần hay lớn dần.
# 2. $\mathbb{E}\,a^{[l]} = 0$: đầu ra có kỳ vọng 0. Điều này làm mất số hạng $(\mathbb{E}x)^2$ trong phương sai của một tích.
#
# (Bài giảng mà ta theo gán cho mỗi quy tắc lý do của quy tắc kia.)
# %% [markdown] lang="en"
# ## One layer: Var z = n Var x Var w
#
# $z = x_1w_1 + \dots + x_nw_n + b$ with $b = 0$. The weights are independent of each other and of mean 0, so the terms are uncorrelated,
# even where the inputs are not, and their variances add up; they have the same distribution, so the sum is $n$ times one of them; and $\mathbb{E}w = 0$ (any distribution symmetric about 0) leaves of the product rule
#
# $$\operatorname{Var} z = n \operatorname{Var} w \left(\operatorname{Var} x + (\mathbb{E}x)^2\right) = n \operatorname{Var} w \; \mathbb{E}x^2,$$
#
# and with $\mathbb{E}x = 0$
#
# $$\operatorname{Var} z = n \operatorname{Var} x \operatorname{Var} w .$$
# %% [markdown] lang="vi"
# ## Một lớp: Var z = n Var x Var w
#
# $z = x_1w_1 + \dots + x_nw_n + b$ với $b = 0$. Các trọng số độc lập với nhau và có kỳ vọng 0, nên các số hạng không tương quan,
# kể cả khi đầu vào tương quan, và phương sai của chúng cộng lại; chúng cùng phân phối nên tổng bằng $n$ lần một số hạng; và $\mathbb{E}w = 0$ (mọi phân phối đối xứng qua 0) làm quy tắc của tích chỉ còn
#
# $$\operatorname{Var} z = n \operatorname{Var} w \left(\operatorname{Var} x + (\mathbb{E}x)^2\right) = n \operatorname{Var} w \; \mathbb{E}x^2,$$
#
# và với $\mathbb{E}x = 0$
#
# $$\operatorname{Var} z = n \operatorname{Var} x \operatorname{Var} w .$$
# %% name="two rules: Var z"
import functools
import math

import fastinit
import matplotlib.pyplot as plt
import numpy as np

n = 400
w = fastinit.normal_(np.empty((1000, n)), std=0.05, generator=0)
for mean, std in ((0.0, 1.0), (0.0, 2.0), (0.5, 1.0)):
    x = fastinit.normal_(np.empty((200, n)), mean, std, generator=1)
    z = fastinit.describe(x @ w.T)
    expected = n * 0.05**2 * (std**2 + mean**2)
    print(f"E x = {mean}, Var x = {std**2:g}: Var z = {z.var:.3f}, by the rule {expected:.3f}")
    assert abs(z.var / expected - 1) < 0.04
# %% [markdown] lang="en"
# ## Tanh: Var w = 1/n
#
# Near 0, $a = \tanh z \approx z$, so $\operatorname{Var} a = \operatorname{Var} z = n \operatorname{Var} x \operatorname{Var} w$. For that to equal $\operatorname{Var} x$:
#
# $$\operatorname{Var} w = \frac1n: \qquad w \sim U\!\left(-\sqrt{\tfrac3n}, \sqrt{\tfrac3n}\right) \quad\text{or}\quad w \sim \mathcal N\!\left(0, \tfrac1n\right).$$
#
# The range of the uniform follows from $(b - a)^2/12$ with $b = -a = r$: $r^2/3 = 1/n$. In fastinit this rule is
# `variance_scaling_(w, 1, "fan_in", ...)`. It is *not* what `xavier_uniform_` and `xavier_normal_` do, here and in torch: those are Glorot's own
# form, which comes below.
# %% [markdown] lang="vi"
# ## Tanh: Var w = 1/n
#
# Gần số 0, $a = \tanh z \approx z$, nên $\operatorname{Var} a = \operatorname{Var} z = n \operatorname{Var} x \operatorname{Var} w$. Để nó bằng $\operatorname{Var} x$:
#
# $$\operatorname{Var} w = \frac1n: \qquad w \sim U\!\left(-\sqrt{\tfrac3n}, \sqrt{\tfrac3n}\right) \quad\text{hoặc}\quad w \sim \mathcal N\!\left(0, \tfrac1n\right).$$
#
# Khoảng của phân phối đều suy ra từ $(b - a)^2/12$ với $b = -a = r$: $r^2/3 = 1/n$. Trong fastinit, quy tắc này là
# `variance_scaling_(w, 1, "fan_in", ...)`. Nó *không phải* là `xavier_uniform_` và `xavier_normal_`, ở đây cũng như trong torch: hai hàm ấy là
# dạng của chính Glorot, sẽ nói ở dưới.
# %% name="Xavier, tanh"
weight = np.empty((300, n))  # (out, in)
uniform = fastinit.describe(
    fastinit.variance_scaling_(weight, 1, "fan_in", "uniform", generator=0)
)
normal = fastinit.describe(
    fastinit.variance_scaling_(weight, 1, "fan_in", "normal", generator=0)
)
print(
    f"uniform: from {uniform.min:.4f} to {uniform.max:.4f}, "
    f"sqrt(3/n) = {math.sqrt(3 / n):.4f}; n Var w = {n * uniform.var:.3f}"
)
print(f"normal:  n Var w = {n * normal.var:.3f}")
assert 0.999 < uniform.max / math.sqrt(3 / n) <= 1
assert -1 <= uniform.min / math.sqrt(3 / n) < -0.999
assert abs(n * uniform.var - 1) < 0.02 and abs(n * normal.var - 1) < 0.02


# %% [markdown] lang="en"
# ## Through 20 layers
#
# Does it hold the variance? Not quite: $\tanh z$ is smaller than $z$, a little is lost in each layer, and the signal fades slowly, from 1 to 0.027
# in 20 layers. It fades like a power of the depth, not exponentially, and the gradients survive. The gain 5/3 that torch recommends for tanh makes up for the loss: the variance
# settles at 1.2, but gradients then grow by $\chi = 1.21$ a layer in the mean square. The dashed lines are computed, not fitted
# (`fastinit.theory`).
# %% [markdown] lang="vi"
# ## Qua 20 lớp
#
# Phương sai có được giữ nguyên không? Không hẳn: $\tanh z$ nhỏ hơn $z$, mỗi lớp mất một ít, và tín hiệu tắt dần chậm rãi, từ 1 xuống 0.027 sau
# 20 lớp. Nó giảm theo lũy thừa của độ sâu chứ không theo hàm mũ, và gradient vẫn sống. Hệ số 5/3 mà torch khuyên dùng cho tanh bù lại chỗ mất: phương sai
# ổn định quanh 1.2, nhưng khi đó trung bình bình phương của gradient lớn lên $\chi = 1.21$ lần mỗi lớp. Các đường đứt nét là tính ra, không phải khớp
# theo số liệu (`fastinit.theory`).
# %% name="two rules, measured: tanh"
def scaled(scale):
    """An initialiser with n Var w = scale."""
    return functools.partial(
        fastinit.variance_scaling_, scale=scale, mode="fan_in", distribution="normal"
    )


def network_of(activation, scale, depth=20, width=256):
    return fastinit.mlp(
        [width] * (depth + 1), activation, output=activation, init=scaled(scale), generator=0
    )


inputs = fastinit.normal_(np.empty((256, 256), np.float32), generator=1)
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
variance, ratio = {}, {}
for colour, (label, scale) in zip(
    ("C0", "C1", "C2"), {"1/n": 1, "(5/3)²/n": 25 / 9, "1/(3n)": 1 / 3}.items(), strict=True
):
    found = fastinit.probe(network_of("tanh", scale), inputs, steps=0)
    centred = np.abs(found.stats("a").mean).max()  # the second rule: E a = 0
    assert centred < 0.02
    variance[label] = found.stats("z").rms ** 2
    ratio[label] = found.stats("dz").rms[0] / found.stats("dz").rms[-1]
    ax.semilogy(
        range(1, 21), variance[label], "o", color=colour, label=f"tanh, Var w = {label}"
    )
    ax.semilogy(range(1, 21), fastinit.theory("tanh", scale, depth=20).q, "--", color=colour)
    print(
        f"Var w = {label}: Var z {variance[label][0]:.3g} -> {variance[label][-1]:.3g}, "
        f"dL/dz first / last {ratio[label]:.2g}; largest E a {centred:.1g}"
    )
ax.set(xlabel="layer", ylabel="Var z", xticks=range(1, 21, 3))
ax.legend()
plt.show()
assert np.allclose(variance["1/n"], fastinit.theory("tanh", 1.0, depth=20).q, rtol=0.15)
assert f"{variance['1/n'][-1]:.3f}" == "0.027" and 0.1 < ratio["1/n"] < 1
assert abs(variance["(5/3)²/n"][-1] - 1.18) < 0.1
assert f"{fastinit.theory('tanh', 25 / 9).chi[-1]:.2f}" == "1.21"
assert (
    variance["1/(3n)"][-1] < 1e-9
)  # the "standard" initialisation of Glorot and Bengio: nothing arrives
# %% [markdown] lang="en"
# ## Sigmoid: Var w = 16/n, and what becomes of it
#
# Near 0, $a = \sigma(z) \approx \frac12 + \frac z4$. A constant has no variance, and $\operatorname{Var}\frac z4 = \frac1{16}\operatorname{Var} z$, so by the same argument
#
# $$\operatorname{Var} w = \frac{16}n: \qquad w \sim U\!\left(-4\sqrt{\tfrac3n}, 4\sqrt{\tfrac3n}\right) \quad\text{or}\quad w \sim \mathcal N\!\left(0, \tfrac{16}n\right).$$
#
# But two things in that argument are not so. $z$ is no longer near 0 once the weights are this large. And rule 2 is broken: $\mathbb{E}a = \frac12$, so
# $\operatorname{Var} z = n \operatorname{Var} w\,\mathbb{E}a^2$ has the term $(\mathbb{E}a)^2$ again. $\mathbb{E}z^2$ settles near 5.9 (theory 5.86) whatever the input, so 16/n keeps
# the signal. But the gradient is multiplied by 0.63 in each layer: 5 layers train, 20 do not. 103/n would keep the gradient, with more than half of $z$ out where sigmoid
# is nearly flat: 20 layers train badly. Neither trains deep. Hence tanh, ReLU, or $-1 + 2\sigma(2z)$, which is tanh.
# %% [markdown] lang="vi"
# ## Sigmoid: Var w = 16/n, và kết quả thật sự
#
# Gần số 0, $a = \sigma(z) \approx \frac12 + \frac z4$. Hằng số không có phương sai, và $\operatorname{Var}\frac z4 = \frac1{16}\operatorname{Var} z$, nên lập luận như trên cho
#
# $$\operatorname{Var} w = \frac{16}n: \qquad w \sim U\!\left(-4\sqrt{\tfrac3n}, 4\sqrt{\tfrac3n}\right) \quad\text{hoặc}\quad w \sim \mathcal N\!\left(0, \tfrac{16}n\right).$$
#
# Nhưng có hai điều trong lập luận đó không đúng. Với trọng số lớn như vậy, $z$ không còn gần 0 nữa. Và quy tắc 2 bị vi phạm: $\mathbb{E}a = \frac12$, nên
# $\operatorname{Var} z = n \operatorname{Var} w\,\mathbb{E}a^2$ lại có số hạng $(\mathbb{E}a)^2$. $\mathbb{E}z^2$ ổn định quanh 5.9 (lý thuyết 5.86) với mọi đầu vào, nên 16/n giữ
# được tín hiệu. Nhưng gradient bị nhân với 0.63 qua mỗi lớp: 5 lớp huấn luyện được, 20 lớp thì không. 103/n giữ được gradient, nhưng hơn nửa số $z$ nằm ở chỗ sigmoid gần như
# phẳng: 20 lớp huấn luyện rất kém. Không cách nào huấn luyện được mạng sâu. Vì thế người ta dùng tanh, ReLU, hoặc $-1 + 2\sigma(2z)$, chính là tanh.
# %% name="Xavier, sigmoid"
uniform = fastinit.describe(
    fastinit.variance_scaling_(weight, 16, "fan_in", "uniform", generator=0)
)
normal = fastinit.describe(
    fastinit.variance_scaling_(weight, 16, "fan_in", "normal", generator=0)
)
print(
    f"uniform: from {uniform.min:.4f} to {uniform.max:.4f}, 4 sqrt(3/n) = {4 * math.sqrt(3 / n):.4f}"
)
assert 0.999 < uniform.max / (4 * math.sqrt(3 / n)) <= 1 and abs(n * normal.var - 16) < 0.3

found = fastinit.probe(network_of("sigmoid", 16), inputs, steps=0)
z, a, dz = (found.stats(part) for part in ("z", "a", "dz"))
per_layer = (dz.rms[0] / dz.rms[-1]) ** (1 / 19)
theory = fastinit.theory("sigmoid", 16.0, depth=20)
print(
    f"E a = {a.mean[-1]:.2f}; E z^2: {z.rms[0] ** 2:.1f} -> {z.rms[-1] ** 2:.2f} "
    f"(theory {theory.q[-1]:.2f})"
)
print(f"gradient by layer: x {per_layer:.2f} (theory {math.sqrt(theory.chi[-1]):.2f})")
assert abs(a.mean[-1] - 0.5) < 0.05 and abs(z.rms[-1] ** 2 - 5.86) < 0.6
assert abs(per_layer - 0.63) < 0.02 and f"{math.sqrt(theory.chi[-1]):.2f}" == "0.63"
assert 6 < 6 * theory.xi_grad < 7  # six depth scales of 1.09 layers

# the cure that the source names: a sigmoid that is centred is a tanh, -1 + 2 sigmoid(2 z)
assert np.allclose(-1 + 2 * fastinit.sigmoid(2 * z.rms), fastinit.tanh(z.rms))
# "only tanh has mean 0", says the source; any odd function does
for name in ("tanh", "softsign", "hardtanh"):
    symmetric = fastinit.normal_(np.empty(100_000), generator=2)
    assert abs(fastinit.describe(fastinit.activations[name].f(symmetric)).mean) < 0.01
# %% [markdown] lang="en"
# ## Glorot's own form, and what it trades
#
# Going back, the same sum appears with the other dimension: $\frac{\partial L}{\partial x_i} = \sum_j w_{ji} \frac{\partial L}{\partial z_j}$ has $n_{out}$ terms. So
#
# - signals keep their size if $n_{in} \operatorname{Var} w = 1$,
# - gradients keep theirs if $n_{out} \operatorname{Var} w = 1$.
#
# Both can be had only if $n_{in} = n_{out}$. Glorot and Bengio (2010) take the mean of $n_{in}$ and $n_{out}$,
# $\operatorname{Var} w = \dfrac{2}{n_{in} + n_{out}}$. Then neither is kept, but neither is far off, and after a layer that narrows and one that widens again the
# errors partly make up for each other. Below a network that narrows from 800 to 25: each rule on the way forward and back.
# %% [markdown] lang="vi"
# ## Dạng của chính Glorot, và nó đánh đổi điều gì
#
# Khi lan truyền ngược, tổng ấy xuất hiện với chiều còn lại: $\frac{\partial L}{\partial x_i} = \sum_j w_{ji} \frac{\partial L}{\partial z_j}$ có $n_{out}$ số hạng. Vậy
#
# - tín hiệu giữ được độ lớn nếu $n_{in} \operatorname{Var} w = 1$,
# - gradient giữ được độ lớn nếu $n_{out} \operatorname{Var} w = 1$.
#
# Chỉ khi $n_{in} = n_{out}$ mới được cả hai. Glorot và Bengio (2010) lấy trung bình của $n_{in}$ và $n_{out}$,
# $\operatorname{Var} w = \dfrac{2}{n_{in} + n_{out}}$. Khi đó không bên nào được giữ nguyên, nhưng không bên nào lệch xa, và sau một lớp thu hẹp rồi một lớp mở rộng trở
# lại thì sai lệch bù trừ nhau một phần. Dưới đây là một mạng thu hẹp từ 800 xuống 25: mỗi quy tắc khi lan truyền xuôi và lan truyền ngược.
# %% name="Glorot's own form"
widths = [800, 400, 200, 100, 50, 25]
wide_inputs = fastinit.normal_(np.empty((200, 800), np.float32), generator=1)
kept = {}
for mode in ("fan_in", "fan_out", "fan_avg"):
    init = functools.partial(
        fastinit.variance_scaling_, scale=1, mode=mode, distribution="normal"
    )
    network = fastinit.mlp(widths, "linear", init=init, generator=0)
    found = fastinit.probe(network, wide_inputs, steps=0)
    kept[mode] = (
        found.stats("z").rms[-1] ** 2,
        (found.stats("dz").rms[0] / found.stats("dz").rms[-1]) ** 2,
    )
    print(
        f"{mode}: mean square of signals x {kept[mode][0]:.3g} forward, "
        f"of gradients x {kept[mode][1]:.3g} backward"
    )
assert abs(kept["fan_in"][0] - 1) < 0.2 and kept["fan_in"][1] < 0.1
assert abs(kept["fan_out"][1] - 1) < 0.2 and kept["fan_out"][0] > 20
worst = {
    mode: max(abs(math.log(factor)) for factor in factors) for mode, factors in kept.items()
}
assert worst["fan_avg"] < min(worst["fan_in"], worst["fan_out"])

glorot = fastinit.describe(fastinit.xavier_normal_(weight, generator=0))  # 300 out, 400 in
assert abs(glorot.var / (2 / (300 + 400)) - 1) < 0.02
# %% [markdown] lang="en"
# ## Try it
#
# Dots: measured in a network of 100 units a layer. Dashed: theory.
# %% [markdown] lang="vi"
# ## Hãy thử
#
# Chấm: đo trong một mạng có 100 nơ-ron mỗi lớp. Đường đứt nét: lý thuyết.
# %% name="figure"
fills = {  # activation, n Var w
    "tanh, 1/n": ("tanh", 1.0),
    'tanh, Glorot\'s "standard" 1/(3n)': ("tanh", 1 / 3),
    "tanh, gain 5/3": ("tanh", 25 / 9),
    "tanh, 100/n": ("tanh", 100.0),
    "sigmoid, 16/n": ("sigmoid", 16.0),
    "sigmoid, 1/n": ("sigmoid", 1.0),
}
few_inputs = fastinit.normal_(np.empty((64, 100), np.float32), generator=1)


def draw(ax, name, depth):
    activation, scale = fills[name]
    zs, _ = fastinit.forward(network_of(activation, scale, depth, width=100), few_inputs)
    measured = fastinit.describe(zs).rms
    expected = np.sqrt(fastinit.theory(activation, scale, depth=depth).q)
    ax.semilogy(range(1, depth + 1), measured, "o")
    ax.semilogy(range(1, depth + 1), expected, "k--", linewidth=1)
    ax.set(
        title=name,
        xlabel="layer",
        ylabel="rms of z",
        xticks=range(1, depth + 1, 1 + depth // 6),
        ylim=(min(0.05, measured.min() / 2), 30),
        yticks=[1e-9, 1e-6, 1e-3, 1] if measured.min() < 0.01 else [0.1, 1, 10],
    )
    ax.minorticks_off()
    ax.yaxis.set_major_formatter("{x:g}")
    return measured, expected


figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
for ax, name in zip(axes, ("tanh, 1/n", "tanh, gain 5/3", "sigmoid, 16/n"), strict=True):
    measured, expected = draw(ax, name, 20)
    assert np.allclose(measured, expected, rtol=0.25)
plt.show()
# %% name="control" tags=["remove-output"]
try:
    from ipywidgets import Dropdown, IntSlider, interact
except ImportError:
    print("pip install ipywidgets")
else:

    def redraw(fill, depth):
        draw(plt.figure(figsize=(5, 3)).add_subplot(), fill, depth)
        plt.show()

    interact(redraw, fill=Dropdown(options=list(fills)), depth=IntSlider(20, min=1, max=40))
# %% [markdown] lang="en"
# ## Exercise
#
# A layer with 300 inputs and 100 outputs. Which $\operatorname{Var} w$ makes the two factors, $n_{in}\operatorname{Var} w$ forward and $n_{out}\operatorname{Var} w$
# backward, average to exactly 1? That is Glorot's trade.
# %% [markdown] lang="vi"
# ## Bài tập
#
# Một lớp có 300 đầu vào và 100 đầu ra. $\operatorname{Var} w$ nào làm cho trung bình của hai thừa số, $n_{in}\operatorname{Var} w$ khi lan truyền xuôi và
# $n_{out}\operatorname{Var} w$ khi lan truyền ngược, bằng đúng 1? Đó là sự đánh đổi của Glorot.
# %% tags=["exercise"]
var_w = ...
# %% tags=["solution"]
var_w = 2 / (300 + 100)
# %% tags=["wrong"]
var_w = 1 / 300
# %% tags=["wrong"]
var_w = 1 / (300 + 100)
# %% name="words" lang="en"
hints = {
    "start": "Hint: (300 v + 100 v) / 2 = 1.",
    "off": "Hint: forward x {:.3g}, backward x {:.3g}; their mean is {:.3g}.",
    "right": "Right: signals x {:.3g}, gradients x {:.3g}. xavier_normal_ fills with std {:.4f}; the root of your variance is {:.4f}.",
}
# %% name="words" lang="vi"
hints = {
    "start": "Gợi ý: (300 v + 100 v) / 2 = 1.",
    "off": "Gợi ý: lan truyền xuôi x {:.3g}, lan truyền ngược x {:.3g}; trung bình là {:.3g}.",
    "right": "Đúng: tín hiệu x {:.3g}, gradient x {:.3g}. xavier_normal_ khởi tạo với std {:.4f}; căn của phương sai bạn cho là {:.4f}.",
}


# %% name="check"
def check(var_w):
    """The hint that is needed, or None when the answer is right."""
    if var_w is ...:
        return hints["start"]
    mean = (300 * var_w + 100 * var_w) / 2
    return None if abs(mean - 1) < 1e-6 else hints["off"].format(300 * var_w, 100 * var_w, mean)


hint = check(var_w)
if hint:
    print(hint)
else:
    filled = fastinit.describe(fastinit.xavier_normal_(np.empty((100, 300)), generator=0)).std
    print(hints["right"].format(300 * var_w, 100 * var_w, filled, math.sqrt(var_w)))
